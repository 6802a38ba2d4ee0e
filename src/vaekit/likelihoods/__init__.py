"""Likelihoods: the decoder's output to p(x|z). One family per file."""

from vaekit.likelihoods.base import Likelihood
from vaekit.likelihoods.bernoulli import Bernoulli
from vaekit.likelihoods.categorical import Categorical
from vaekit.likelihoods.continuous_bernoulli import ContinuousBernoulli
from vaekit.likelihoods.discretized_logistic import DiscretizedLogistic
from vaekit.likelihoods.gaussian import Gaussian

LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "categorical": Categorical,
    "continuous-bernoulli": ContinuousBernoulli,
    "discretized-logistic": DiscretizedLogistic,
    "gaussian": Gaussian,
}

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "Categorical",
    "ContinuousBernoulli",
    "DiscretizedLogistic",
    "Gaussian",
    "Likelihood",
]
