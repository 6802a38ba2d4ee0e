"""Likelihoods: the decoder's output -> p(x given z). One family per file."""

from vaekit.likelihoods.base import Likelihood
from vaekit.likelihoods.bernoulli import Bernoulli
from vaekit.likelihoods.continuous_bernoulli import ContinuousBernoulli
from vaekit.likelihoods.gaussian import Gaussian

LIKELIHOODS = {"bernoulli": Bernoulli, "continuous-bernoulli": ContinuousBernoulli, "gaussian": Gaussian}

__all__ = ["LIKELIHOODS", "Bernoulli", "ContinuousBernoulli", "Gaussian", "Likelihood"]
