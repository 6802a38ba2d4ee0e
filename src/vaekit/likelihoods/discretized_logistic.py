"""p(x given z) = a logistic, or a mixture of logistics, rounded to the levels."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, MixtureSameFamily

from vaekit.core.discretized import DiscretizedLogistic as DiscretizedLogisticDistribution
from vaekit.core.distributions import soft_clamp
from vaekit.likelihoods.base import Likelihood
from vaekit.likelihoods.options import Components, Levels, checked_components, checked_levels
from vaekit.nets.blocks import Shape

NARROWEST = (
    1 / 16
)  # of a level: such a logistic gives the level at its centre 0.9993, a narrower one would gain nothing
WIDEST = 100.0
START = 0.3


class DiscretizedLogistic(Likelihood):
    """p(x given z) = sum_i w_i [sigma((x + d/2 - mu_i) / s_i) - sigma((x - d/2 - mu_i) / s_i)], d = 1 / (L - 1) one level.

    A logistic rounded to L levels, the first and the last taking the tails: nearness counts, and two outputs of the decoder
    per value suffice whatever L (Salimans et al., 2017; each channel its own given z, where theirs depend on one another).
    From an output of 0, mu = 1/2 and s = 0.3; s stays above a sixteenth of a level and below 100, smoothly.

    levels: L, how many values the data can take; null: as the data declare.
    components: of the mixture; above 1, the outputs per value are so many logits of w, then mu (which start spread over
        [0, 1]), then log s.

    Raises ConfigError where the levels are missing, or where one of the two is not in its range.

    >>> p = DiscretizedLogistic((3,), levels=256)(torch.zeros(1, 6))
    >>> p.mean, p.log_prob(torch.tensor([[0.0, 0.5, 1.0]]))
    (tensor([[0.5000, 0.5000, 0.5000]]), tensor([-9.3959]))
    """

    accepts = ("integers",)

    def __init__(
        self, shape: Shape, /, *, levels: Levels | None = None, components: Components = 1
    ):
        super().__init__(shape)
        self.levels = checked_levels(levels, "discretized-logistic")
        self.components = checked_components(components)
        self.parameters_per_value = 2 if self.components == 1 else 3 * self.components

    def per_value(self, mu: Tensor, log_scale: Tensor) -> DiscretizedLogisticDistribution:  # pyright: ignore[reportIncompatibleMethodOverride]
        middles = (
            torch.arange(self.components, dtype=mu.dtype, device=mu.device) + 0.5
        ) / self.components
        return DiscretizedLogisticDistribution(middles + mu, self._scale(log_scale), self.levels)

    def distribution(self, parameters: Tensor) -> Distribution:
        if self.components == 1:
            return super().distribution(parameters)
        axis = -1 - len(self.shape)
        logits, mu, log_scale = (
            parameters.unflatten(axis, (3, self.components)).movedim(axis, -1).unbind(axis - 1)
        )
        return MixtureSameFamily(
            Categorical(logits=logits, validate_args=False),
            self.per_value(mu, log_scale),
            validate_args=False,
        )

    def _scale(self, log_scale: Tensor) -> Tensor:
        narrowest = math.log(NARROWEST / (self.levels - 1))
        return soft_clamp(log_scale + math.log(START), narrowest, math.log(WIDEST)).exp()
