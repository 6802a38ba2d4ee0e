"""Normalization of data: an invertible map of each value, and densities in the data's own units."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

NormalizationName = Literal["unit", "standardize", "percentile"]

LOW, HIGH = 0.01, 0.99
"""The quantiles that `percentile` maps to 0 and 1."""


class Normalization(nn.Module):
    """y = (x - shift) / scale, for each channel of an image and each entry of a vector.

    Args:
        kind: unit: the smallest value becomes 0 and the largest 1; standardize: mean 0, standard
            deviation 1; percentile: the 1st percentile becomes 0 and the 99th 1.
        shape: Shape of one example.

    >>> normalization = Normalization("unit", (2,))
    >>> normalization.init_from_data(torch.tensor([[0.0, 10.0], [5.0, 30.0]]))
    >>> normalization(torch.tensor([[5.0, 20.0]]))
    tensor([[1.0000, 0.5000]])
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, kind: NormalizationName, shape: tuple[int, ...]):
        super().__init__()
        self.kind: NormalizationName = kind
        parameters = (shape[0], *[1] * (len(shape) - 1))
        self.register_buffer("shift", torch.zeros(parameters))
        self.register_buffer("scale", torch.ones(parameters))

    @torch.no_grad()
    def init_from_data(self, x: Tensor) -> None:
        """Take shift and scale from examples [N, *shape]; a constant channel keeps the scale 1."""
        values = x.double().flatten(2) if x.dim() > 2 else x.double()[..., None]
        columns = values.transpose(0, 1).flatten(1)
        shift, scale = STATISTICS[self.kind](columns)
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        self.shift.copy_(shift.view_as(self.shift))
        self.scale.copy_(scale.view_as(self.scale))

    def forward(self, x: Tensor) -> Tensor:
        """Normalized values of x [..., *shape]."""
        return (x - self.shift) / self.scale


def _range(columns: Tensor) -> tuple[Tensor, Tensor]:
    low = columns.amin(1)
    return low, columns.amax(1) - low


def _moments(columns: Tensor) -> tuple[Tensor, Tensor]:
    return columns.mean(1), columns.std(1, correction=0)


def _percentiles(columns: Tensor) -> tuple[Tensor, Tensor]:
    ordered = columns.sort(1).values  # torch.quantile takes 16 million values at most
    last = columns.shape[1] - 1
    low = ordered[:, round(LOW * last)]
    return low, ordered[:, round(HIGH * last)] - low


STATISTICS: dict[NormalizationName, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "unit": _range,
    "standardize": _moments,
    "percentile": _percentiles,
}
"""Shift and scale of columns [C, N]."""


class Rescaled(Distribution):
    """The distribution of x = scale y + shift, value by value.

    log p(x) = log p((x - shift) / scale) - log scale.

    Args:
        base: The distribution of y, with a batch shape and no event shape.
        shift: The shift, which broadcasts with the batch shape.
        scale: The scale, above 0.

    >>> from torch.distributions import Normal
    >>> one, two = torch.ones(1), torch.tensor([2.0])
    >>> Rescaled(Normal(0.0, one), one, two).log_prob(one) - Normal(1.0, two).log_prob(one)
    tensor([0.])
    """

    arg_constraints = {}  # noqa: RUF012  # pyright: ignore

    def __init__(self, base: Distribution, shift: Tensor, scale: Tensor):
        self.base = base
        self.shift = shift
        self.scale = scale
        super().__init__(base.batch_shape, validate_args=False)

    @property
    def has_rsample(self) -> bool:  # pyright: ignore - an attribute in torch
        """Whether draws have a gradient."""
        return self.base.has_rsample

    @property
    def support(self):
        """The support of y, which is the real line."""
        return self.base.support

    @property
    def mean(self) -> Tensor:
        """The mean of x."""
        return self.base.mean * self.scale + self.shift

    @property
    def variance(self) -> Tensor:
        """The variance of x."""
        return self.base.variance * self.scale.square()

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Draws without a gradient."""
        return self.base.sample(torch.Size(sample_shape)) * self.scale + self.shift

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Draws with a gradient."""
        return self.base.rsample(torch.Size(sample_shape)) * self.scale + self.shift

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(x) in nats."""
        return self.base.log_prob((value - self.shift) / self.scale) - self.scale.log()
