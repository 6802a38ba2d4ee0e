"""p(x given z) = any probabilities of the levels."""

from torch import Tensor

from vaekit.core.discretized import Categorical as CategoricalDistribution
from vaekit.likelihoods.base import Likelihood
from vaekit.likelihoods.options import Levels, checked_levels
from vaekit.nets.blocks import Shape


class Categorical(Likelihood):
    """log p(x given z) = sum log softmax(logits)_k, k = x (L - 1): each of L levels has a logit of its own.

    It knows nothing of the levels' order. The decoder has L outputs per value: 256 for 8-bit images, where the discretised
    logistic needs two.

    levels: L, how many values the data can take; null: as the data declare.

    Raises ConfigError where the levels are missing, or not 2 to 65536.

    >>> import torch
    >>> Categorical((4,), levels=256)(torch.zeros(1, 1024)).log_prob(torch.rand(1, 4))  # -4 log 256
    tensor([-22.1807])
    """

    accepts = ("integers",)

    def __init__(self, shape: Shape, /, *, levels: Levels | None = None):
        super().__init__(shape)
        self.levels = self.parameters_per_value = checked_levels(levels, "categorical")

    def distribution(self, parameters: Tensor) -> CategoricalDistribution:
        return CategoricalDistribution(parameters.movedim(-1 - len(self.shape), -1))
