"""The ELBO's two terms, each alone; both are reported."""

from pydantic import PositiveInt
from torch import Tensor

from vaekit.core import divergences
from vaekit.core.distributions import is_deterministic, is_discrete, penalties_of
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.objectives.terms import Terms
from vaekit.runtime import distributed
from vaekit.validated_init import validated_init


class ReconstructionOnly:
    """loss = E_q[-log p(x given z)]: without the divergence the posterior narrows to a plain autoencoder's code.

    samples: K, draws of z per row.
    """

    selection_metric = "reconstruction"

    @validated_init
    def __init__(self, *, samples: PositiveInt = 1):
        self.samples = samples

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        q, log_likelihood, divergence = _terms(model, x, y, self.samples)
        penalties = penalties_of(q)
        return Terms(
            sum(penalties.values(), -log_likelihood.mean()),
            log_likelihood,
            divergence,
            penalties=penalties,
        )


class DivergenceOnly:
    """loss = KL(q(z given x) || p(z)): without the reconstruction the posterior becomes the prior, whatever x is.

    samples: K, draws of z per row.
    Raises ConfigError for a divergence without a gradient: that of a deterministic or quantised posterior, and that of a
    categorical one from a prior that couples its variables.
    """

    selection_metric = "divergence"

    @validated_init
    def __init__(self, *, samples: PositiveInt = 1):
        self.samples = samples

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        q, log_likelihood, divergence = _terms(model, x, y, self.samples)
        sampled = is_discrete(q) and divergences.closed_form(q, model.prior_distribution(y)) is None
        if sampled or is_deterministic(q):
            raise ConfigError(
                f"objective divergence-only would train nothing, posterior {type(model.posterior).__name__}'s "
                "divergence has no gradient: set posterior to diagonal-normal, or to categorical with the prior uniform"
            )
        return Terms(divergence.sum(-1).mean(), log_likelihood.detach(), divergence)


def _terms(model: VAE, x: Tensor, y: Tensor | None, samples: int):
    q = model.encode(x, y)
    z = distributed.sample_global(q.rsample, samples)
    return (
        q,
        model.decode(z, y).log_prob(x),
        divergences.kl_divergence(q, model.prior_distribution(y), z),
    )
