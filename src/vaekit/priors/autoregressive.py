"""p(z) of discrete codes, each conditional on the codes before it."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from vaekit.core.codebook import Codebook, CodeDistribution, IndependentCodes
from vaekit.core.distribution_module import full_precision
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Width
from vaekit.priors.base import CodePrior, Latent

Layers = Annotated[int, Field(ge=1, le=64)]
Heads = Annotated[int, Field(ge=1, le=256)]

FEEDFORWARD_FACTOR = 4
HIDDEN_VALUES_FACTOR = 8
"""Hidden values of a layer per position, as a multiple of its width."""


class Autoregressive(CodePrior):
    """p(z) = prod_m p(code m | codes before m), by a causal transformer.

    The prior is fitted in a second stage of training, after all other parts. It starts uniform,
    and stays so while it is `deferred`.

    Args:
        latent: The posterior's codebook.
        condition: Width of the condition; 0 for none.
        width: Width of the transformer.
        layers: Attention layers.
        heads: Attention heads of each layer, a divisor of the width.

    Raises:
        ConfigError: The posterior is continuous, or `heads` does not divide `width`.

    References:
        Vaswani et al., 2017, "Attention is all you need".

    >>> prior = Autoregressive(Codebook(torch.eye(10), groups=4))
    >>> prior().log_prob(torch.zeros(40)).detach() / 4  # uniform: -log 10
    tensor(-2.3026)
    """

    second_stage = True
    uniform: Tensor

    def __init__(
        self,
        latent: Latent,
        condition: int = 0,
        /,
        *,
        width: Width = 64,
        layers: Layers = 2,
        heads: Heads = 4,
    ):
        super().__init__(latent, "autoregressive")
        if width % heads:
            raise ConfigError.for_value(
                "prior.heads", heads, f"a divisor of prior.width, which is {width}"
            )
        self.width = width
        self.layers = layers
        self.heads = heads
        self.token = nn.Embedding(self.codebook.count, width)
        self.place = nn.Parameter(0.02 * torch.randn(self.codebook.positions, width))
        self.start = nn.Linear(max(1, condition), width)  # without a condition its input is 1
        layer = nn.TransformerEncoderLayer(
            width,
            heads,
            FEEDFORWARD_FACTOR * width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(
            layer, layers, nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.logits = nn.Linear(width, self.codebook.count)
        nn.init.zeros_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)
        self.register_buffer("uniform", torch.zeros(1, self.codebook.count), persistent=False)

    @property
    def values_per_example(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Probabilities of codes, hidden numbers of a layer, and attention, at all positions."""
        positions = self.codebook.positions
        hidden = HIDDEN_VALUES_FACTOR * self.width
        return positions * (self.codebook.count + hidden + self.heads * positions)

    def forward(self, features: Tensor | None = None) -> CodeDistribution:
        """p(z), or p(z|y) of the condition [B, C]."""
        if self.deferred:
            return IndependentCodes(self.codebook, self.uniform)
        return AutoregressiveCodes(self.codebook, self, features)

    def log_probs(self, indices: Tensor, features: Tensor | None = None) -> Tensor:
        """log p in nats of every code at the first N positions and the next one.

        Args:
            indices: Indices of the codes at the first N positions, [B, N].
            features: The condition [B, C], or None.

        Returns:
            [B, N + 1, K], or [B, M, K] if N is M, the number of positions.
        """
        condition = self.place.new_ones(len(indices), 1) if features is None else features
        tokens = torch.cat([self.start(condition).unsqueeze(1), self.token(indices)], 1)
        tokens = tokens[:, : len(self.place)]
        length = tokens.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(
            length, device=tokens.device, dtype=tokens.dtype
        )
        hidden = self.blocks(tokens + self.place[:length], mask=mask, is_causal=True)
        return full_precision(self.logits(hidden)).log_softmax(-1)


class AutoregressiveCodes(CodeDistribution):
    """A distribution over codes that a prior's network predicts one after the other.

    Args:
        codebook: The codes.
        network: The prior.
        features: The condition [B, C], or None.
    """

    def __init__(self, codebook: Codebook, network: Autoregressive, features: Tensor | None):
        self.network = network
        self.features = features
        super().__init__(codebook, torch.Size([] if features is None else features.shape[:1]))

    def log_prob_of(self, indices: Tensor) -> Tensor:
        """log p in nats of each code by its index, [..., M], conditional on the codes before it."""
        flat = indices.reshape(-1, self.codebook.positions)
        log_probs = self.network.log_probs(flat, self._repeated_features(len(flat)))
        return log_probs.gather(-1, flat.unsqueeze(-1)).reshape(indices.shape)

    def sample_indices(self, sample_shape: torch.Size) -> Tensor:
        """Draws of the indices of codes, [*sample_shape, *batch_shape, M]."""
        shape = sample_shape + self.batch_shape
        indices = torch.zeros(shape.numel(), 0, dtype=torch.long, device=self.network.place.device)
        features = self._repeated_features(len(indices))
        for _ in range(self.codebook.positions):
            next_log_probs = self.network.log_probs(indices, features)[:, -1]
            next_indices = torch.multinomial(next_log_probs.exp(), 1)
            indices = torch.cat([indices, next_indices], 1)
        return indices.reshape(*shape, -1)

    def _repeated_features(self, count: int) -> Tensor | None:
        """The features of `count` codes, which are samples x batch."""
        if self.features is None:
            return None
        return self.features.repeat(count // len(self.features), 1)
