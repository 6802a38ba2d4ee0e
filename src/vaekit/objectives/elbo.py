"""The evidence lower bound."""

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import divergences
from vaekit.core.distributions import penalties_of
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.objectives.gradients import GRADIENT_ESTIMATORS, GradientName
from vaekit.objectives.terms import Terms
from vaekit.runtime import distributed
from vaekit.validated_init import validated_init


class ELBO:
    """loss = E_q[-log p(x|z)] + beta KL(q(z|x) || p(z)), the mean over examples, in nats.

    Penalties of the posterior, such as a codebook's commitment, are added to the loss. A call
    raises ConfigError if no closed form is known for posterior and prior, if the divergence is
    infinite, or if the posterior would have no gradient.

    Args:
        samples: Samples of z per example, K.
        divergence: Computation of the divergence; closed-form, or monte-carlo: the mean of
            log q(z|x) - log p(z) over the K samples.
        beta: Weight of the divergence; with 1 the loss is the bound itself.
        warmup: Steps over which the weight rises linearly from 0 to beta.
        free_bits: Nats per latent dimension, averaged over the batch, that cost nothing.
        gradient: Gradient of the samples; pathwise, score-function (with a baseline), or none.

    Raises:
        ConfigError: An option is not allowed.

    References:
        Kingma & Welling, 2014, "Auto-encoding variational Bayes".
        Higgins et al., 2017, "beta-VAE" (beta).
        Sonderby et al., 2016, "Ladder variational autoencoders" (warm-up).
        Kingma et al., 2016, "Improved variational inference with inverse autoregressive flow"
        (free bits).

    >>> ELBO(beta=4.0, warmup=100).weight(step=50)
    2.0
    """

    @validated_init
    def __init__(
        self,
        *,
        samples: PositiveInt = 1,
        divergence: Literal["closed-form", "monte-carlo"] = "closed-form",
        beta: NonNegativeFloat = 1.0,
        warmup: NonNegativeInt = 0,
        free_bits: NonNegativeFloat = 0.0,
        gradient: GradientName = "pathwise",
    ):
        if free_bits and gradient == "score-function" and divergence == "monte-carlo":
            raise ConfigError.for_value(
                "objective.divergence",
                divergence,
                "'closed-form'",
                problem="objective.free_bits has no unbiased score-function gradient",
            )
        self.samples = samples
        self.divergence = divergence
        self.beta = beta
        self.warmup = warmup
        self.free_bits = free_bits
        self.gradient: GradientName = gradient

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        """The loss on a batch x [B, *shape] and its terms."""
        q = model.encode(x, y)
        p = model.prior_distribution(y)
        _check_finite_kl(model, q)
        estimator = GRADIENT_ESTIMATORS[self.gradient]
        weight = self.weight(step)
        sampled = self.divergence == "monte-carlo"

        z = estimator.draw(q, self.samples)
        log_likelihood = model.decode(z, y).log_prob(x)
        if _posterior_is_trained(model):
            estimator.check(q, sampled=sampled)

        log_prior = log_posterior = None
        if sampled:
            log_prior = p.log_prob(z)
            log_posterior = q.log_prob(z)
            divergence = divergences.monte_carlo(q, p, z).mean(0)
            signal = log_likelihood + weight * (log_prior - log_posterior)
        else:
            divergence = _closed_form(q, p)
            signal = log_likelihood

        penalties = penalties_of(q)
        bound = weight * self._penalized(divergence) - log_likelihood.mean()
        loss = bound - estimator.correction(signal, q, z)
        return Terms(
            sum(penalties.values(), loss),
            log_likelihood,
            divergence,
            log_prior,
            log_posterior,
            penalties,
        )

    def weight(self, step: int | None = None) -> float:
        """The weight of the divergence after a number of steps; None: after the warm-up."""
        if step is None or self.warmup == 0:
            return self.beta
        return self.beta * min(1.0, step / self.warmup)

    def _penalized(self, divergence: Tensor) -> Tensor:
        """The divergence in the loss: the batch mean of each dimension, at least `free_bits`."""
        if not self.free_bits:
            return divergence.sum(-1).mean()
        return distributed.global_mean(divergence).clamp(min=self.free_bits).sum()


def _posterior_is_trained(model: VAE) -> bool:
    """Whether encoder or posterior have a gradient, unlike in the second stage of a prior."""
    parts = (model.posterior, model.encoder)
    return any(p.requires_grad for part in parts for p in part.parameters())


def _check_finite_kl(model: VAE, q: Distribution) -> None:
    if not divergences.has_finite_kl(q):
        raise ConfigError.for_value(
            "objective",
            "elbo",
            "'reconstruction-only'",
            problem=f"posterior {type(model.posterior).__name__} has no finite divergence",
        )


def _closed_form(q: Distribution, p: Distribution) -> Tensor:
    divergence = divergences.closed_form(q, p)
    if divergence is None:
        names = f"{type(q).__name__} || {type(p).__name__}"
        raise ConfigError.for_value(
            "objective.divergence",
            "closed-form",
            "'monte-carlo'",
            problem=f"no closed form of KL({names}) is known",
        )
    return divergence
