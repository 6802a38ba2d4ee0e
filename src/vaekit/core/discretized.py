"""Distributions over data of L levels, shown as 0, 1 / (L - 1), ..., 1: what `torch.distributions` lacks for integers.

Values between two levels stand for the nearest one, values outside [0, 1] for the first or the last.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import Distribution, constraints


class _Levels(constraints.Constraint):
    """The values 0, 1 / (levels - 1), ..., 1."""

    is_discrete = True

    def __init__(self, levels: int):
        self.levels = levels
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        return (
            value * (self.levels - 1) - nearest_level(value, self.levels)
        ).abs() < 0.01  # float32 is 0.004 off at 65,536


def nearest_level(value: Tensor, levels: int) -> Tensor:
    """The level 0..levels - 1 that a value in [0, 1] stands for, as a float.

    >>> nearest(torch.tensor([0.0, 0.5, 1.0]), 256)
    tensor([  0., 128., 255.])
    """
    return (value * (levels - 1)).round().clamp(0, levels - 1)


class Categorical(Distribution):
    """Any probabilities of the L levels: p(k / (L - 1)) = softmax(logits)_k.

    logits: real, [..., L]; the batch shape is what comes before L.

    >>> Categorical(torch.zeros(3, 256)).mean
    tensor([0.5000, 0.5000, 0.5000])
    """

    arg_constraints = {"logits": constraints.independent(constraints.real, 1)}  # noqa: RUF012  # pyright: ignore - torch's own convention

    def __init__(self, logits: Tensor, validate_args: bool | None = False):
        self.logits, self.levels = logits, logits.shape[-1]
        super().__init__(logits.shape[:-1], validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance=None) -> "Categorical":
        return Categorical(self.logits.expand(*batch_shape, self.levels))

    @property
    def support(self) -> constraints.Constraint:
        return _Levels(self.levels)

    @property
    def mean(self) -> Tensor:
        return self.logits.softmax(-1) @ self._grid()

    @property
    def variance(self) -> Tensor:
        return (self.logits.softmax(-1) * (self._grid() - self.mean[..., None]).square()).sum(-1)

    def sample(self, sample_shape: torch.Size | Sequence[int] = ()) -> Tensor:
        level = TorchCategorical(logits=self.logits.detach(), validate_args=False).sample(
            torch.Size(sample_shape)
        )
        return level.to(self.logits.dtype) / (self.levels - 1)

    def log_prob(self, value: Tensor) -> Tensor:
        index = nearest_level(value, self.levels).long()
        shape = torch.broadcast_shapes(index.shape, self.batch_shape)
        log_p = self.logits.log_softmax(
            -1
        )  # half the time of gather - logsumexp, forwards and backwards
        return log_p.expand(*shape, -1).gather(-1, index.expand(shape)[..., None])[..., 0]

    def _grid(self) -> Tensor:
        return torch.linspace(0, 1, self.levels, dtype=self.logits.dtype, device=self.logits.device)


class DiscretizedLogistic(Distribution):
    r"""A logistic rounded to the nearest level, the first and the last taking the tails (Salimans et al., 2017).

    p(x) = sigma(b) - sigma(a),   a, b = (x -+ d / 2 - loc) / scale,   d = 1 / (L - 1),   a = -inf at 0, b = inf at 1.

    The difference is computed as sigma(b) sigma(-a) (1 - exp(a - b)), so that nothing cancels, and in units of one level, so
    that levels are exact.

    loc, scale: in the units of x, any shapes that broadcast; scale > 0. levels: L.

    >>> DiscretizedLogistic(torch.tensor(0.5), torch.tensor(0.01), 3).log_prob(torch.tensor([0.0, 0.5, 1.0])).exp()
    tensor([1.3888e-11, 1.0000e+00, 1.3888e-11])
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012  # pyright: ignore - torch's own convention

    def __init__(self, loc: Tensor, scale: Tensor, levels: int, validate_args: bool | None = False):
        self.loc, self.scale = torch.broadcast_tensors(loc, scale)
        self.levels = levels
        super().__init__(self.loc.shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance=None) -> "DiscretizedLogistic":
        return DiscretizedLogistic(
            self.loc.expand(*batch_shape), self.scale.expand(*batch_shape), self.levels
        )

    @property
    def support(self) -> constraints.Constraint:
        return _Levels(self.levels)

    @property
    def mean(self) -> Tensor:
        """Exact: E[k] is the sum over the edges between levels of P(k above the edge)."""
        loc, scale = self._in_levels()
        total = torch.zeros_like(loc)
        for edges in self._edges():
            total = total + torch.sigmoid((loc - edges) / scale).sum(0)
        return total / (self.levels - 1)

    @property
    def variance(self) -> Tensor:
        """Exact: E[(k - c)^2] is the sum over edges e of 2 |e - c| P(k beyond e from c); c the level nearest to loc.

        Around c, as around no other point, nothing large cancels when the square of the mean is taken off.
        """
        loc, scale = self._in_levels()
        centre, total, steps = (
            nearest_level(self.loc.detach(), self.levels),
            torch.zeros_like(loc),
            self.levels - 1,
        )
        for edges in self._edges():
            away = edges - centre
            total = total + (
                2 * away.abs() * torch.sigmoid(away.sign() * (loc - edges) / scale)
            ).sum(0)
        return (total - (self.mean * steps - centre).square()) / steps**2

    def sample(self, sample_shape: torch.Size | Sequence[int] = ()) -> Tensor:
        shape = self._extended_shape(torch.Size(sample_shape))
        with torch.no_grad():
            u = torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device)
            return nearest_level(self.loc + self.scale * torch.logit(u), self.levels) / (
                self.levels - 1
            )

    def log_prob(self, value: Tensor) -> Tensor:
        level = nearest_level(value, self.levels)
        first, last = level == 0, level == self.levels - 1
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
        """Between levels, [8, ...]: not all at once, which would take L times the memory."""
        edges = torch.arange(self.levels - 1, dtype=self.loc.dtype, device=self.loc.device) + 0.5
        return edges.reshape(-1, *(1,) * self.loc.dim()).split(8)
