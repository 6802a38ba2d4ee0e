"""p(x|z) = a probability for each level."""

from torch import Tensor

from vaekit.core.discretized import Categorical as CategoricalDistribution
from vaekit.likelihoods.base import Likelihood
from vaekit.likelihoods.options import Levels, checked_levels
from vaekit.nets.blocks import Shape


class Categorical(Likelihood):
    """log p(x|z) = sum log softmax(logits)_k, k = x (L - 1), with a logit for each of L levels.

    It ignores the order of the levels. The decoder has L outputs per value: 256 for 8-bit images,
    compared with two for the discretized logistic.

    Args:
        shape: Shape of one example.
        levels: Number of levels L of the data; null: from the support of the data.

    Raises:
        ConfigError: The levels are missing, or not from 2 to 65536.

    >>> import torch
    >>> Categorical((4,), levels=256)(torch.zeros(1, 1024)).log_prob(torch.rand(1, 4))  # -4 log 256
    tensor([-22.1807])
    """

    accepts = ("integers",)

    def __init__(self, shape: Shape, /, *, levels: Levels | None = None):
        super().__init__(shape)
        self.levels = checked_levels(levels, "categorical")
        self.parameters_per_value = self.levels

    def distribution(self, parameters: Tensor) -> CategoricalDistribution:
        """The categorical distribution of each value from logits [B, L, *shape]."""
        return CategoricalDistribution(parameters.movedim(-1 - len(self.shape), -1))
