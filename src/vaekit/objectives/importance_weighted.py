"""The importance-weighted bound as an objective."""

import math

from pydantic import PositiveInt
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import divergences
from vaekit.core.distributions import is_deterministic, is_discrete, penalties_of
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.objectives.terms import Terms
from vaekit.runtime import distributed
from vaekit.validated_init import validated_init


class ImportanceWeighted:
    """loss = -E[log 1/K sum_k p(x, z_k) / q(z_k|x)], the mean over examples, in nats.

    For K = 1 it is the ELBO; with more samples the bound of log p(x) is closer, and the posterior
    need only cover the true one. Many samples train a better decoder and a vaguer encoder. The
    best epoch is that of the best bound of K samples on the validation split (val_bound). A call
    raises ConfigError for a deterministic or discrete posterior, whose samples carry no gradient
    into the weights.

    Args:
        samples: Samples of z per example, K.

    Raises:
        ConfigError: `samples` is not allowed.

    References:
        Burda et al., 2016, "Importance weighted autoencoders".

    >>> ImportanceWeighted(samples=50).selection_metric
    'bound'
    """

    selection_metric = "bound"

    @validated_init
    def __init__(self, *, samples: PositiveInt = 5):
        self.samples = samples

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        """The loss on a batch x [B, *shape] and its terms."""
        q = model.encode(x, y)
        p = model.prior_distribution(y)
        _check_density(model, q)
        z = distributed.sample_global(q.rsample, self.samples)
        log_likelihood = model.decode(z, y).log_prob(x)
        log_prior = p.log_prob(z)
        log_posterior = q.log_prob(z)
        log_weights = log_likelihood + log_prior - log_posterior
        bound = log_weights.logsumexp(0) - math.log(self.samples)
        penalties = penalties_of(q)
        return Terms(
            sum(penalties.values(), -bound.mean()),
            log_likelihood,
            divergences.kl_divergence(q, p, z),
            log_prior,
            log_posterior,
            penalties,
        )


def _check_density(model: VAE, q: Distribution) -> None:
    if is_deterministic(q) or is_discrete(q):
        raise ConfigError.for_value(
            "objective",
            "importance-weighted",
            "'elbo'",
            problem=f"the samples of posterior {type(model.posterior).__name__} have no density",
            fix="Or set posterior to diagonal-normal",
        )
