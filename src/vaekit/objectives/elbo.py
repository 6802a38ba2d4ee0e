"""The evidence lower bound."""

from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt
from torch import Tensor

from vaekit import divergences
from vaekit.errors import ConfigError
from vaekit.model import VAE
from vaekit.objectives.terms import Terms


class ELBO:
    """loss = E_q[-log p(x given z)] + beta KL(q(z given x) || p(z)), the mean over rows, in nats (Kingma & Welling, 2014).

    samples: K, draws of z per row.
    divergence: "closed-form", or "monte-carlo" from the same K draws: mean of log q(z given x) - log p(z).
    beta: weight of the divergence (Higgins et al., 2017); 1 is the bound itself.
    warmup: updates over which the weight rises linearly from 0 to beta (Sonderby et al., 2016).
    free_bits: nats that each latent dimension may carry, on the batch's average, before it counts (Kingma et al., 2016).

    Raises ConfigError where no closed form is known for the pair of posterior and prior.

    >>> loss = ELBO(samples=5)(model, x).loss  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        samples: PositiveInt = 1,
        divergence: Literal["closed-form", "monte-carlo"] = "closed-form",
        beta: NonNegativeFloat = 1.0,
        warmup: NonNegativeInt = 0,
        free_bits: NonNegativeFloat = 0.0,
    ):
        self.samples, self.divergence, self.beta = samples, divergence, beta
        self.warmup, self.free_bits = warmup, free_bits

    def __call__(self, model: VAE, x: Tensor, *, step: int | None = None) -> Terms:
        q, p = model.encode(x), model.prior()
        z = q.rsample((self.samples,))
        log_likelihood = model.decode(z).log_prob(x)
        log_prior = log_posterior = None
        if self.divergence == "closed-form":
            divergence = _closed_form(q, p)
        else:
            log_prior, log_posterior = p.log_prob(z), q.log_prob(z)
            divergence = divergences.monte_carlo(q, p, z).mean(0)
        loss = self.weight(step) * self._counted(divergence) - log_likelihood.mean()
        return Terms(loss, log_likelihood, divergence, log_prior, log_posterior)

    def weight(self, step: int | None = None) -> float:
        """The weight of the divergence at an update."""
        rise = 1.0 if step is None or self.warmup == 0 else min(1.0, step / self.warmup)
        return self.beta * rise

    def _counted(self, divergence: Tensor) -> Tensor:
        """The divergence that enters the loss: each dimension's mean over the batch, at least `free_bits`."""
        per_dimension = divergence.mean(0)
        return (per_dimension.clamp(min=self.free_bits) if self.free_bits else per_dimension).sum()


def _closed_form(q, p) -> Tensor:
    divergence = divergences.closed_form(q, p)
    if divergence is None:
        raise ConfigError(f"no closed form of KL({q} || {p}): set objective.divergence to monte-carlo")
    return divergence
