"""p(x|z) = continuous Bernoulli on [0, 1]."""

from torch import Tensor

from vaekit.core.distributions import ContinuousBernoulli as ContinuousBernoulliDistribution
from vaekit.likelihoods.base import Likelihood


class ContinuousBernoulli(Likelihood):
    """log p(x|z) = sum x a - softplus(a) + log(a / tanh(a / 2)), a density on [0, 1].

    Args:
        shape: Shape of one example.

    References:
        Loaiza-Ganem & Cunningham, 2019, "The continuous Bernoulli".

    >>> import torch
    >>> p = ContinuousBernoulli((4,))(torch.zeros(1, 4))  # uniform at logit 0
    >>> p.log_prob(torch.rand(1, 4)).abs().max() < 1e-6
    tensor(True)
    """

    accepts = ("unit",)

    def per_value(self, logits: Tensor) -> ContinuousBernoulliDistribution:
        """The continuous Bernoulli distribution of each value."""
        return ContinuousBernoulliDistribution(logits)
