"""p(x given z) = continuous Bernoulli on [0, 1]."""

from torch import Tensor

from vaekit.core.distributions import ContinuousBernoulli as ContinuousBernoulliDistribution
from vaekit.likelihoods.base import Likelihood


class ContinuousBernoulli(Likelihood):
    """log p(x given z) = sum x a - softplus(a) + log(a / tanh(a / 2)), a density on [0, 1] (Loaiza-Ganem & Cunningham, 2019).

    >>> import torch
    >>> ContinuousBernoulli((4,))(torch.zeros(1, 4)).log_prob(torch.rand(1, 4)).abs().max() < 1e-6  # uniform at logit 0
    tensor(True)
    """

    accepts = ("unit",)

    def per_value(self, logits: Tensor) -> ContinuousBernoulliDistribution:  # pyright: ignore[reportIncompatibleMethodOverride]
        return ContinuousBernoulliDistribution(logits)
