"""Distributions over integer data of L levels, scaled to 0, 1 / (L - 1), ..., 1.

Values between two levels count as the nearest one, values outside [0, 1] as the first or the last.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import Distribution, constraints

MAX_SUMMED_LEVELS = 4096


class _Levels(constraints.Constraint):
    """The values 0, 1 / (levels - 1), ..., 1."""

    is_discrete = True

    def __init__(self, levels: int):
        self.levels = levels
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        scaled = value * (self.levels - 1)
        # float32 is 0.004 off at 65,536 levels
        return (scaled - nearest_level(value, self.levels)).abs() < 0.01


def nearest_level(value: Tensor, levels: int) -> Tensor:
    """The number of the level, from 0 to levels - 1, nearest to a value in [0, 1], as a float.

    >>> nearest_level(torch.tensor([0.0, 0.5, 1.0]), 256)
    tensor([  0., 128., 255.])
    """
    return (value * (levels - 1)).round().clamp(0, levels - 1)


class Categorical(Distribution):
    """A probability for each of L levels: p(k / (L - 1)) = softmax(logits)_k.

    Args:
        logits: Real numbers [..., L]; the dimensions before L are the batch shape.
        validate_args: Whether to check the logits.

    >>> Categorical(torch.zeros(3, 256)).mean
    tensor([0.5000, 0.5000, 0.5000])
    """

    arg_constraints = {  # noqa: RUF012  # pyright: ignore
        "logits": constraints.independent(constraints.real, 1),
    }

    def __init__(self, logits: Tensor, validate_args: bool | None = False):
        self.logits = logits
        self.levels = logits.shape[-1]
        super().__init__(logits.shape[:-1], validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance=None) -> "Categorical":
        """The distribution with its parameters expanded to a batch shape."""
        return Categorical(self.logits.expand(*batch_shape, self.levels))

    @property
    def support(self) -> constraints.Constraint:
        """The constraint that values satisfy."""
        return _Levels(self.levels)

    @property
    def mean(self) -> Tensor:
        """The mean, [*batch_shape, *event_shape]."""
        return self.logits.softmax(-1) @ self._grid()

    @property
    def variance(self) -> Tensor:
        """The variance of each value, [*batch_shape, *event_shape]."""
        return (self.logits.softmax(-1) * (self._grid() - self.mean[..., None]).square()).sum(-1)

    def sample(self, sample_shape: torch.Size | Sequence[int] = ()) -> Tensor:
        """Draws without a gradient, [*sample_shape, *batch_shape, *event_shape]."""
        p = TorchCategorical(logits=self.logits.detach(), validate_args=False)
        level = p.sample(torch.Size(sample_shape))
        return level.to(self.logits.dtype) / (self.levels - 1)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats."""
        index = nearest_level(value, self.levels).long()
        shape = torch.broadcast_shapes(index.shape, self.batch_shape)
        log_p = self.logits.log_softmax(-1)  # half the time of gather - logsumexp
        return log_p.expand(*shape, -1).gather(-1, index.expand(shape)[..., None])[..., 0]

    def _grid(self) -> Tensor:
        return torch.linspace(0, 1, self.levels, dtype=self.logits.dtype, device=self.logits.device)


class DiscretizedLogistic(Distribution):
    r"""A logistic distribution rounded to the nearest level.

    p(x) = sigma(b) - sigma(a),   a, b = (x -+ d / 2 - loc) / scale,   d = 1 / (L - 1),

    with a = -inf at the first level and b = inf at the last, which take the tails. The difference
    is computed as sigma(b) sigma(-a) (1 - exp(a - b)), so that nothing cancels, and in units of
    one level, so that levels are exact.

    Args:
        loc: Location in the units of x; it broadcasts with `scale`.
        scale: Positive scale in the units of x.
        levels: L, the number of levels.
        validate_args: Whether to check location and scale.

    References:
        Salimans et al., 2017, "PixelCNN++".

    >>> p = DiscretizedLogistic(torch.tensor(0.5), torch.tensor(0.01), 3)
    >>> p.log_prob(torch.tensor([0.0, 0.5, 1.0])).exp()
    tensor([1.3888e-11, 1.0000e+00, 1.3888e-11])
    """

    arg_constraints = {  # noqa: RUF012  # pyright: ignore
        "loc": constraints.real,
        "scale": constraints.positive,
    }

    def __init__(self, loc: Tensor, scale: Tensor, levels: int, validate_args: bool | None = False):
        self.loc, self.scale = torch.broadcast_tensors(loc, scale)
        self.levels = levels
        super().__init__(self.loc.shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance=None) -> "DiscretizedLogistic":
        """The distribution with its parameters expanded to a batch shape."""
        return DiscretizedLogistic(
            self.loc.expand(*batch_shape), self.scale.expand(*batch_shape), self.levels
        )

    @property
    def support(self) -> constraints.Constraint:
        """The constraint that values satisfy."""
        return _Levels(self.levels)

    @property
    def mean(self) -> Tensor:
        """The mean: E[k] is the sum of P(k > edge) over the edges between levels.

        It is exact up to 4,096 levels. Beyond, an integral over the edges replaces the sum, which
        is the same up to half a level.
        """
        loc, scale = self._in_levels()
        if self.levels > MAX_SUMMED_LEVELS:
            last = self.levels - 1
            integral = F.softplus(loc / scale) - F.softplus((loc - last) / scale)
            return (scale * integral / last).clamp(0, 1)
        total = torch.zeros_like(loc)
        for edges in self._edges():
            total = total + torch.sigmoid((loc - edges) / scale).sum(0)
        return total / (self.levels - 1)

    @property
    def variance(self) -> Tensor:
        """The exact variance, from E[(k - c)^2] around the level c nearest to the location.

        E[(k - c)^2] is the sum over edges e of 2 |e - c| P(k beyond e, seen from c). Around c
        nothing large cancels when the square of the mean is subtracted.
        """
        loc, scale = self._in_levels()
        center = nearest_level(self.loc.detach(), self.levels)
        total = torch.zeros_like(loc)
        for edges in self._edges():
            offset = edges - center
            beyond = torch.sigmoid(offset.sign() * (loc - edges) / scale)
            total = total + (2 * offset.abs() * beyond).sum(0)
        steps = self.levels - 1
        return (total - (self.mean * steps - center).square()) / steps**2

    def sample(self, sample_shape: torch.Size | Sequence[int] = ()) -> Tensor:
        """Draws without a gradient, [*sample_shape, *batch_shape, *event_shape]."""
        shape = self._extended_shape(torch.Size(sample_shape))
        with torch.no_grad():
            u = torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device)
            value = self.loc + self.scale * torch.logit(u)
            return nearest_level(value, self.levels) / (self.levels - 1)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats."""
        level = nearest_level(value, self.levels)
        first = level == 0
        last = level == self.levels - 1
        loc, scale = self._in_levels()
        above_lower = F.logsigmoid((loc - level + 0.5) / scale)
        below_upper = F.logsigmoid((level + 0.5 - loc) / scale)
        both = torch.log(-torch.expm1(-1 / scale))
        return (
            above_lower.masked_fill(first, 0)
            + below_upper.masked_fill(last, 0)
            + both.masked_fill(first | last, 0)
        )

    def _in_levels(self) -> tuple[Tensor, Tensor]:
        return self.loc * (self.levels - 1), self.scale * (self.levels - 1)

    def _edges(self) -> Sequence[Tensor]:
        """The edges between levels in chunks [8, ...]: all at once take L times the memory."""
        edges = torch.arange(self.levels - 1, dtype=self.loc.dtype, device=self.loc.device) + 0.5
        return edges.reshape(-1, *(1,) * self.loc.dim()).split(8)
