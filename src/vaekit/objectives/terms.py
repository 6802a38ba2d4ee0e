"""The terms of an objective, and the interface of all objectives."""

from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from vaekit.core.vae import VAE


@dataclass(frozen=True)
class Terms:
    """What an objective computed, apart, and the loss that it made of it. Nats; K samples, B rows, D latent dimensions.

    loss: scalar, the mean over rows; what is minimised.
    log_likelihood: log p(x given z), [K, B].
    divergence: KL(q(z given x) || p(z)), or its estimate, per latent dimension, [B, D].
    log_prior, log_posterior: log p(z) and log q(z given x), [K, B], where the divergence is estimated from samples.
    penalties: further scalars in the loss, by name.
    """

    loss: Tensor
    log_likelihood: Tensor
    divergence: Tensor
    log_prior: Tensor | None = None
    log_posterior: Tensor | None = None
    penalties: dict[str, Tensor] = field(default_factory=dict)

    @property
    def reconstruction(self) -> Tensor:
        """-E[log p(x given z)], [B]."""
        return -self.log_likelihood.mean(0)

    @property
    def elbo(self) -> Tensor:
        """E[log p(x given z)] - KL, [B]: a lower bound of log p(x), whatever the weights in the loss."""
        return -self.reconstruction - self.divergence.sum(-1)

    def named(self) -> dict[str, Tensor]:
        """Every tensor that is there, by name."""
        found = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return found | self.penalties


class Objective(Protocol):
    """A callable over a model and a batch x [B, *shape], with its classes y [B] where the model is conditional.

    step: counts updates; None: whatever is scheduled has ended.
    An attribute `selection_metric` may name the validation figure that chooses the best weights, if it is not the loss:
    reconstruction, divergence, or bound, the importance-weighted one of the objective's `samples`.
    """

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms: ...
