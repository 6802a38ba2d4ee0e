"""The evidence lower bound."""

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import divergences
from vaekit.core.distributions import penalties_of
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.objectives.gradients import GRADIENTS, Estimator
from vaekit.objectives.terms import Terms
from vaekit.runtime import distributed
from vaekit.validated_init import validated_init


class ELBO:
    """loss = E_q[-log p(x given z)] + beta KL(q(z given x) || p(z)), the mean over rows, in nats (Kingma & Welling, 2014).

    samples: K, draws of z per row.
    divergence: "closed-form", or "monte-carlo" from the same K draws: mean of log q(z given x) - log p(z).
    beta: weight of the divergence (Higgins et al., 2017); 1 is the bound itself.
    warmup: updates over which the weight rises linearly from 0 to beta (Sonderby et al., 2016).
    free_bits: nats that each latent dimension may carry, on the batch's average, before it counts (Kingma et al., 2016).
    gradient: how it reaches the encoder: "pathwise", by the "score-function" with a baseline, or not at all through z ("none").

    Penalties of the posterior (a codebook's commitment) are added to the loss.
    Raises ConfigError for an option that is not allowed, where no closed form is known for the pair of posterior and prior,
    where the posterior has no divergence, and where the one that is asked for has no gradient.

    >>> loss = ELBO(samples=5)(model, x).loss  # doctest: +SKIP
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
        gradient: Estimator = "pathwise",
    ):
        if free_bits and gradient == "score-function" and divergence == "monte-carlo":
            raise ConfigError(
                "objective.free_bits has no unbiased score-function gradient: set divergence to closed-form"
            )
        self.samples, self.divergence, self.beta = samples, divergence, beta
        self.warmup, self.free_bits = warmup, free_bits
        self.gradient: Estimator = gradient

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        q, p = model.encode(x, y), model.prior_distribution(y)
        _check_divergence(model, q)
        gradient, weight, sampled = (
            GRADIENTS[self.gradient],
            self.weight(step),
            self.divergence == "monte-carlo",
        )
        z = gradient.draw(q, self.samples)
        signal = log_likelihood = model.decode(z, y).log_prob(x)
        log_prior = log_posterior = None
        if any(
            p.requires_grad for part in (model.posterior, model.encoder) for p in part.parameters()
        ):
            gradient.check(
                q, sampled=sampled
            )  # elsewhere, in a prior's own stage, there is nothing to reach
        if not sampled:
            divergence = _closed_form(q, p)
        else:
            log_prior, log_posterior = p.log_prob(z), q.log_prob(z)
            divergence = divergences.monte_carlo(q, p, z).mean(0)
            signal = log_likelihood + weight * (log_prior - log_posterior)
        penalties = penalties_of(q)
        loss = (
            weight * self._counted(divergence)
            - log_likelihood.mean()
            - gradient.correction(signal, q, z)
        )
        return Terms(
            sum(penalties.values(), loss),
            log_likelihood,
            divergence,
            log_prior,
            log_posterior,
            penalties,
        )

    def weight(self, step: int | None = None) -> float:
        """The weight of the divergence at an update."""
        rise = 1.0 if step is None or self.warmup == 0 else min(1.0, step / self.warmup)
        return self.beta * rise

    def _counted(self, divergence: Tensor) -> Tensor:
        """The divergence that enters the loss: each dimension's mean over the batch, at least `free_bits`."""
        if not self.free_bits:
            return divergence.sum(-1).mean()
        return distributed.global_mean(divergence).clamp(min=self.free_bits).sum()


def _check_divergence(model: VAE, q: Distribution) -> None:
    if not divergences.has_finite_kl(q):
        raise ConfigError(
            f"objective elbo needs a divergence, posterior {type(model.posterior).__name__} has none that is finite: "
            "set objective=reconstruction-only"
        )


def _closed_form(q: Distribution, p: Distribution) -> Tensor:
    divergence = divergences.closed_form(q, p)
    if divergence is None:
        names = f"{type(q).__name__} || {type(p).__name__}"
        raise ConfigError(f"no closed form of KL({names}): set objective.divergence to monte-carlo")
    return divergence
