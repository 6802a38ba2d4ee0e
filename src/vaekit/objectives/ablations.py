"""The two terms of the ELBO, each alone in the loss; both are reported."""

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


class ReconstructionOnly:
    """loss = E_q[-log p(x|z)]: without the divergence the posterior narrows to a single code.

    Args:
        samples: Samples of z per example.

    Raises:
        ConfigError: `samples` is not allowed.

    >>> ReconstructionOnly(samples=2).selection_metric
    'reconstruction'
    """

    selection_metric = "reconstruction"

    @validated_init
    def __init__(self, *, samples: PositiveInt = 1):
        self.samples = samples

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        """The loss on a batch x [B, *shape] and its terms."""
        q, log_likelihood, divergence = _terms(model, x, y, self.samples)
        penalties = penalties_of(q)
        loss = sum(penalties.values(), -log_likelihood.mean())
        return Terms(loss, log_likelihood, divergence, penalties=penalties)


class DivergenceOnly:
    """loss = KL(q(z|x) || p(z)): without the reconstruction the posterior becomes the prior.

    A call raises ConfigError for a divergence without a gradient: that of a deterministic
    posterior, and that of a categorical posterior from a prior that couples its variables.

    Args:
        samples: Samples of z per example.

    Raises:
        ConfigError: `samples` is not allowed.

    >>> DivergenceOnly().selection_metric
    'divergence'
    """

    selection_metric = "divergence"

    @validated_init
    def __init__(self, *, samples: PositiveInt = 1):
        self.samples = samples

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        """The loss on a batch x [B, *shape] and its terms."""
        q, log_likelihood, divergence = _terms(model, x, y, self.samples)
        _check_gradient(model, q, y)
        return Terms(divergence.sum(-1).mean(), log_likelihood.detach(), divergence)


def _check_gradient(model: VAE, q: Distribution, y: Tensor | None) -> None:
    if is_deterministic(q) or (is_discrete(q) and _is_estimated(model, q, y)):
        raise ConfigError.for_value(
            "objective",
            "divergence-only",
            "another objective",
            problem=f"the divergence of posterior {type(model.posterior).__name__} has no gradient",
            fix="Or set posterior to diagonal-normal, or to categorical with the prior uniform",
        )


def _is_estimated(model: VAE, q: Distribution, y: Tensor | None) -> bool:
    """Whether the divergence has no closed form."""
    return divergences.closed_form(q, model.prior_distribution(y)) is None


def _terms(
    model: VAE, x: Tensor, y: Tensor | None, samples: int
) -> tuple[Distribution, Tensor, Tensor]:
    """The posterior, log p(x|z) [K, B] and the divergence [B, D]."""
    q = model.encode(x, y)
    z = distributed.sample_global(q.rsample, samples)
    log_likelihood = model.decode(z, y).log_prob(x)
    divergence = divergences.kl_divergence(q, model.prior_distribution(y), z)
    return q, log_likelihood, divergence
