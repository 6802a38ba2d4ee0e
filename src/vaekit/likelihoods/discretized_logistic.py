"""p(x|z) = a logistic distribution, or a mixture of them, rounded to the levels."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, MixtureSameFamily

from vaekit.core.discretized import DiscretizedLogistic as DiscretizedLogisticDistribution
from vaekit.core.distributions import soft_clamp
from vaekit.likelihoods.base import Likelihood
from vaekit.likelihoods.options import Components, Levels, checked_components, checked_levels
from vaekit.nets.blocks import Shape

MIN_SCALE_IN_LEVELS = 1 / 16
"""Such a logistic gives the level at its center 0.9993; a narrower one would gain nothing."""
MAX_SCALE = 100.0
INITIAL_SCALE = 0.3


class DiscretizedLogistic(Likelihood):
    """A mixture of logistic distributions rounded to L levels; the end levels take the tails.

    p(x|z) = sum_i w_i [sigma((x + d/2 - mu_i) / s_i) - sigma((x - d/2 - mu_i) / s_i)]
    with d = 1 / (L - 1), one level. Unlike the categorical likelihood it knows the order of the
    levels, and two outputs of the decoder per value suffice for any L. Each channel is independent
    given z, unlike in the reference. A decoder output of 0 means mu = 1/2 and s = 0.3; s is bounded
    smoothly to a sixteenth of a level from below and to 100 from above.

    Args:
        shape: Shape of one example.
        levels: Number of levels L of the data; null: from the support of the data.
        components: Components of the mixture; above 1 the outputs per value are the logits of w,
            then mu, which start spread over [0, 1], then log s.

    Raises:
        ConfigError: The levels are missing, or an option is out of its range.

    References:
        Salimans et al., 2017, "PixelCNN++".

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

    def per_value(self, mu: Tensor, log_scale: Tensor) -> DiscretizedLogisticDistribution:
        """The discretized logistic distribution of each value, or of each of its components."""
        components = torch.arange(self.components, dtype=mu.dtype, device=mu.device)
        centers = (components + 0.5) / self.components
        return DiscretizedLogisticDistribution(centers + mu, self._scale(log_scale), self.levels)

    def distribution(self, parameters: Tensor) -> Distribution:
        """The distribution of each value from parameters [B, parameters per value, *shape]."""
        if self.components == 1:
            return super().distribution(parameters)
        axis = -1 - len(self.shape)
        per_component = parameters.unflatten(axis, (3, self.components)).movedim(axis, -1)
        logits, mu, log_scale = per_component.unbind(axis - 1)
        return MixtureSameFamily(
            Categorical(logits=logits, validate_args=False),
            self.per_value(mu, log_scale),
            validate_args=False,
        )

    def _scale(self, log_scale: Tensor) -> Tensor:
        lower = math.log(MIN_SCALE_IN_LEVELS / (self.levels - 1))
        upper = math.log(MAX_SCALE)
        return soft_clamp(log_scale + math.log(INITIAL_SCALE), lower, upper).exp()
