"""Stochastic transforms: raw values to what a model sees, with new noise each time."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.data.support import Transform
from vaekit.runtime import distributed


@dataclass(frozen=True)
class StochasticBinarization(Transform):
    """Gray values to zeros and ones, drawn anew each time with value / divisor as the probability of a one."""

    def forward(self, x: Tensor, dtype: None = None) -> Tensor:
        uniform = distributed.sample_global(
            lambda lead: torch.rand(*lead, *x.shape, dtype=x.dtype, device=x.device), 1
        )[0]
        return (uniform < x / self.divisor).to(x)


@dataclass(frozen=True)
class UniformDequantization(Transform):
    """Levels k, whole numbers below the divisor, to (k + u) / divisor, u uniform and drawn anew each time: values in [0, 1]."""

    def forward(self, x: Tensor, dtype: None = None) -> Tensor:
        return (x + torch.rand_like(x)) / self.divisor
