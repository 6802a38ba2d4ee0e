"""Discrete latent codes: code vectors at positions, and distributions over them.

A discrete z consists of code vectors, one at each position: a one-hot vector for each variable of
a categorical latent code, an entry of the codebook for each pixel of a map. A posterior owns its
codebook, and its prior is built for the same one.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, constraints, register_kl

MAX_DISTANCES = 2**24
"""Maximal number of distances between vectors and codes computed at once."""


class Codebook(nn.Module):
    """K code vectors of d numbers for each of M positions.

    z has the shape (groups * d, *map), and M is `groups` times the pixels of the map.

    Args:
        vectors: The code vectors [K, d].
        groups: Number of codes at one pixel, or of a vector.
        map: Height and width of z; () for a vector.
        shared: Whether a code means the same at every position (a codebook), rather than each
            position having its own codes (categorical variables).
        learned: Whether the vectors are saved with the weights.

    >>> codebook = Codebook(torch.eye(10), groups=20)
    >>> z = codebook.embed(torch.zeros(5, 20, dtype=torch.long))
    >>> z.shape, codebook.indices(z).shape
    (torch.Size([5, 200]), torch.Size([5, 20]))
    """

    vectors: Tensor

    def __init__(
        self,
        vectors: Tensor,
        groups: int,
        map: Sequence[int] = (),
        *,
        shared: bool = False,
        learned: bool = False,
    ):
        super().__init__()
        self.register_buffer("vectors", vectors, persistent=learned)
        self.groups = groups
        self.map = tuple(map)
        self.shared = shared

    @property
    def count(self) -> int:
        """K, the number of codes at one position."""
        return self.vectors.shape[0]

    @property
    def positions(self) -> int:
        """M, the number of codes that make one z."""
        return self.groups * math.prod(self.map)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of z."""
        return (self.groups * self.vectors.shape[1], *self.map)

    def split(self, z: Tensor) -> Tensor:
        """z [..., *shape] as vectors [..., M, d], pixel by pixel, and group by group within one."""
        lead = z.shape[: z.dim() - len(self.shape)]
        grouped = z.reshape(*lead, self.groups, self.vectors.shape[1], math.prod(self.map))
        return grouped.movedim(-1, len(lead)).reshape(*lead, self.positions, self.vectors.shape[1])

    def join(self, vectors: Tensor) -> Tensor:
        """Vectors [..., M, d] as z [..., *shape]: the inverse of `split`."""
        lead = vectors.shape[:-2]
        grouped = vectors.reshape(*lead, math.prod(self.map), self.groups, self.vectors.shape[1])
        return grouped.movedim(len(lead), -1).reshape(*lead, *self.shape)

    def embed(self, indices: Tensor) -> Tensor:
        """z [..., *shape] that consists of the codes with the indices [..., M]."""
        return self.join(F.embedding(indices, self.vectors))

    def nearest(self, vectors: Tensor) -> Tensor:
        """Indices [...] of the codes nearest to vectors [..., d]."""
        # Tensors on the meta device have no values and no autocast of their own.
        device = "cpu" if vectors.is_meta else vectors.device.type
        # Far from the origin, rounding would hide the differences between codes.
        center = self.vectors.mean(0)
        flat = (vectors - center).reshape(-1, vectors.shape[-1])
        # An exported graph has one path for any number of examples.
        chunk = max(1, MAX_DISTANCES // self.count)
        chunks = (flat,) if torch.compiler.is_exporting() else flat.split(chunk)
        # bfloat16 would confuse codes that are close together.
        with torch.autocast(device, enabled=False):
            codes = self.vectors - center
            squares = codes.square().sum(-1)
            nearest = [(squares - 2 * part @ codes.T).argmin(-1) for part in chunks]
        return torch.cat(nearest).reshape(vectors.shape[:-1])

    def indices(self, z: Tensor) -> Tensor:
        """Indices [..., M] of the codes in z [..., *shape]."""
        return self.nearest(self.split(z))


class _Discrete(constraints.Constraint):
    """Vectors from a finite set."""

    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return torch.isfinite(value).all(-1)


class CodeDistribution(Distribution):
    """A distribution over z that consists of codes.

    A subclass defines `log_prob_of` and `sample_indices`.
    """

    arg_constraints: dict[str, Any] = {}  # noqa: RUF012  # pyright: ignore
    support = _Discrete()  # pyright: ignore - torch's own convention

    def __init__(self, codebook: Codebook, batch_shape: torch.Size):
        self.codebook = codebook
        super().__init__(batch_shape, torch.Size(codebook.shape), validate_args=False)

    def sample_indices(self, sample_shape: torch.Size) -> Tensor:
        """Draws of the indices of codes, [*sample_shape, *batch_shape, M]."""
        raise NotImplementedError(f"{type(self).__name__} must define sample_indices")  # abstract

    def log_prob_of(self, indices: Tensor) -> Tensor:
        """log p in nats of each code by its index, [..., M], conditional on the codes before it."""
        raise NotImplementedError(f"{type(self).__name__} must define log_prob_of")  # abstract

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats."""
        return self.log_prob_of(self.codebook.indices(value)).sum(-1)

    @torch.no_grad()
    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Draws without a gradient, [*sample_shape, *batch_shape, *event_shape]."""
        return self.codebook.embed(self.sample_indices(torch.Size(sample_shape)))


class IndependentCodes(CodeDistribution):
    """A product of one categorical distribution over codes per position.

    Args:
        codebook: The codes.
        logits: [*B, M, K], or [*B, 1, K] if all positions have the same.
    """

    def __init__(self, codebook: Codebook, logits: Tensor):
        self.logits = logits.log_softmax(-1).expand(
            *logits.shape[:-2], codebook.positions, codebook.count
        )
        super().__init__(codebook, logits.shape[:-2])

    @property
    def probs(self) -> Tensor:
        """Probabilities of the codes, [*B, M, K]."""
        return self.logits.exp()

    @property
    def mean(self) -> Tensor:
        """The mean, [*batch_shape, *event_shape]."""
        return self.codebook.join(self.probs @ self.codebook.vectors)

    @property
    def mode(self) -> Tensor:
        """The most probable value, [*batch_shape, *event_shape]."""
        return self.codebook.embed(self.logits.argmax(-1))

    @property
    def variance(self) -> Tensor:
        """The variance of each value, [*batch_shape, *event_shape]."""
        return self.codebook.join(self.probs @ self.codebook.vectors.square()) - self.mean.square()

    def sample_indices(self, sample_shape: torch.Size) -> Tensor:
        """Draws of the indices of codes, [*sample_shape, *batch_shape, M]."""
        return Categorical(logits=self.logits, validate_args=False).sample(sample_shape)

    def log_prob_of(self, indices: Tensor) -> Tensor:
        """log p in nats of each code by its index, [..., M]."""
        shape = torch.broadcast_shapes(indices.shape, self.logits.shape[:-1])
        logits = self.logits.expand(*shape, self.codebook.count)
        return logits.gather(-1, indices.expand(shape).unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        """The entropy in nats, [*batch_shape]."""
        return -(self.probs * self.logits).sum((-2, -1))


class Quantized(CodeDistribution):
    """All mass on one z; the gradient of a sample passes straight to the quantized vectors.

    The z stays as it was at construction, even if the codebook changes later.

    Args:
        codebook: The codes.
        indices: Indices of the codes that z consists of, [B, M].
        vectors: The vectors before quantization, [B, M, d].
        penalties: Scalars for the loss, by name.
    """

    has_rsample = True
    deterministic = True

    def __init__(
        self,
        codebook: Codebook,
        indices: Tensor,
        vectors: Tensor,
        penalties: dict[str, Tensor] | None = None,
    ):
        self.indices = indices
        self.penalties = penalties or {}
        self.straight_through = codebook.embed(indices) + codebook.join(vectors - vectors.detach())
        super().__init__(codebook, indices.shape[:-1])

    @property
    def mean(self) -> Tensor:
        """The mean, [*batch_shape, *event_shape]."""
        return self.straight_through.detach()

    mode = mean

    @property
    def variance(self) -> Tensor:
        """The variance of each value, [*batch_shape, *event_shape]."""
        return torch.zeros_like(self.straight_through)

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Draws with a gradient, [*sample_shape, *batch_shape, *event_shape]."""
        return self.straight_through.expand(*sample_shape, *self.straight_through.shape)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Draws without a gradient, [*sample_shape, *batch_shape, *event_shape]."""
        return self.rsample(sample_shape).detach()

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats."""
        same = (value == self.mean).flatten(-len(self.event_shape)).all(-1)
        return torch.where(same, 0.0, -math.inf).to(self.straight_through.dtype)

    def entropy(self) -> Tensor:
        """The entropy in nats, [*batch_shape]."""
        return self.straight_through.new_zeros(self.batch_shape)


@register_kl(IndependentCodes, IndependentCodes)
def _kl_independent(q: IndependentCodes, p: IndependentCodes) -> Tensor:
    """KL(q || p) in nats per position, [*B, M]."""
    return (q.probs * (q.logits - p.logits)).sum(-1)


@register_kl(Quantized, CodeDistribution)
def _kl_quantized(q: Quantized, p: CodeDistribution) -> Tensor:
    """KL(q || p) in nats per position, [*B, M]: all mass is on one code, so it is -log p of it."""
    return -p.log_prob_of(q.indices)
