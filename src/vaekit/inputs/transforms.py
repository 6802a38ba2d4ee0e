"""Stochastic transforms: raw values to model inputs, with new noise each time."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.data.support import Transform
from vaekit.runtime import distributed


@dataclass(frozen=True)
class StochasticBinarization(Transform):
    """Gray values to zeros and ones, sampled with value / divisor as the probability of one.

    Several processes sample together what one process would.

    Args:
        kind: The kind of support of the model inputs, `binary`.
        divisor: The gray value that counts as one.

    References:
        Burda et al., 2016, "Importance weighted autoencoders".

    >>> transform = StochasticBinarization("binary", 255)
    >>> transform.forward(torch.tensor([0.0, 255.0]))
    tensor([0., 1.])
    """

    def forward(self, x: Tensor, dtype: None = None) -> Tensor:
        """Sample binary values.

        Args:
            x: Raw gray values [B, *shape], as floats.
            dtype: Not used: the values keep the type of x.

        Returns:
            Zeros and ones [B, *shape].
        """

        def sample_uniform(lead: tuple[int, ...]) -> Tensor:
            return torch.rand(*lead, *x.shape, dtype=x.dtype, device=x.device)

        uniform = distributed.sample_global(sample_uniform, 1)[0]
        return (uniform < x / self.divisor).to(x)


@dataclass(frozen=True)
class UniformDequantization(Transform):
    """Levels k, whole numbers below the divisor, to (k + u) / divisor with u uniform in [0, 1).

    Args:
        kind: The kind of support of the model inputs, `unit`.
        divisor: The number of levels.

    References:
        Uria et al., 2013, "RNADE"; Theis et al., 2016, "A note on the evaluation of generative
        models".

    >>> x = UniformDequantization("unit", 256).forward(torch.tensor([0.0, 255.0]))
    >>> bool((x >= 0).all() and (x <= 1).all())
    True
    """

    def forward(self, x: Tensor, dtype: None = None) -> Tensor:
        """Sample continuous values.

        Args:
            x: Raw levels [B, *shape], as floats.
            dtype: Not used: the values keep the type of x.

        Returns:
            Values [B, *shape] in the unit interval.
        """
        return (x + torch.rand_like(x)) / self.divisor
