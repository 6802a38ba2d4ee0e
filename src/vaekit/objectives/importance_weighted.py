"""The importance-weighted bound as an objective."""

import math

from pydantic import PositiveInt
from torch import Tensor

from vaekit.core import divergences
from vaekit.core.distributions import is_deterministic, is_discrete, penalties_of
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.objectives.terms import Terms
from vaekit.runtime import distributed
from vaekit.validated_init import validated_init


class ImportanceWeighted:
    """loss = -E[log 1/K sum_k p(x, z_k) / q(z_k given x)], the mean over rows, in nats (Burda et al., 2016).

    A bound of -log p(x) that is closer than the ELBO's, which it is for K = 1, and that asks of the posterior only to reach
    where the true one is: with many samples it learns a better decoder and a vaguer encoder.

    samples: K, draws of z per row. The best epoch is that of the best bound of K samples on validation rows (val_bound).
    Raises ConfigError for a posterior that is certain or discrete: its samples carry no gradient into the weights.
    """

    selection_metric = "bound"

    @validated_init
    def __init__(self, *, samples: PositiveInt = 5):
        self.samples = samples

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        q, p = model.encode(x, y), model.prior_distribution(y)
        if is_deterministic(q) or is_discrete(q):
            raise ConfigError(
                f"objective importance-weighted needs samples with a density, posterior {type(model.posterior).__name__} has "
                "none: set posterior to diagonal-normal, or objective to elbo"
            )
        z = distributed.sample_global(q.rsample, self.samples)
        log_likelihood, log_prior, log_posterior = (
            model.decode(z, y).log_prob(x),
            p.log_prob(z),
            q.log_prob(z),
        )
        bound = (log_likelihood + log_prior - log_posterior).logsumexp(0) - math.log(self.samples)
        penalties = penalties_of(q)
        loss = sum(penalties.values(), -bound.mean())
        return Terms(
            loss,
            log_likelihood,
            divergences.kl_divergence(q, p, z),
            log_prior,
            log_posterior,
            penalties,
        )
