"""p(x|z) = a probability for each level."""

import math

from torch import Tensor

from vaekit.core.discretized import Categorical as CategoricalDistribution
from vaekit.errors import ConfigError
from vaekit.likelihoods.base import Likelihood
from vaekit.likelihoods.options import Levels, checked_levels
from vaekit.nets.blocks import Shape

MAX_OUTPUTS = 2**24 - 1
"""Outputs of the decoder per example: 64 MB in float32."""


class Categorical(Likelihood):
    """log p(x|z) = sum log softmax(logits)_k, k = x (L - 1), with a logit for each of L levels.

    It ignores the order of the levels. The decoder has L outputs per value: 256 for 8-bit images,
    compared with two for the discretized logistic.

    Args:
        shape: Shape of one example.
        levels: Number of levels L of the data; null: from the support of the data.

    Raises:
        ConfigError: The levels are missing, not from 2 to 65536, or too many for the shape.

    >>> import torch
    >>> Categorical((4,), levels=256)(torch.zeros(1, 1024)).log_prob(torch.rand(1, 4))  # -4 log 256
    tensor([-22.1807])
    """

    accepts = ("integers",)

    def __init__(self, shape: Shape, /, *, levels: Levels | None = None):
        super().__init__(shape)
        self.levels = checked_levels(levels, "categorical")
        self.parameters_per_value = self.levels
        outputs = math.prod(self.shape) * self.levels
        if outputs > MAX_OUTPUTS:
            raise ConfigError.for_value(
                "likelihood.levels",
                f"{self.levels} levels of {math.prod(self.shape)} values, {outputs:,} outputs",
                f"at most {MAX_OUTPUTS:,} outputs of the decoder",
                problem="too many levels for the categorical likelihood",
                fix="Use the likelihood discretized-logistic",
            )

    def distribution(self, parameters: Tensor) -> CategoricalDistribution:
        """The categorical distribution of each value from logits [B, L, *shape]."""
        return CategoricalDistribution(parameters.movedim(-1 - len(self.shape), -1))
