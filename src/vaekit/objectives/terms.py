"""The terms of an objective, and the interface of all objectives."""

from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from vaekit.core.vae import VAE


@dataclass(frozen=True)
class Terms:
    """The loss of an objective on a batch, and the terms that it consists of, all in nats.

    K is the number of samples, B that of examples, D that of latent dimensions.

    Args:
        loss: The scalar that training minimizes, a mean over examples.
        log_likelihood: log p(x|z), [K, B].
        divergence: KL(q(z|x) || p(z)), or its estimate, per latent dimension, [B, D].
        log_prior: log p(z), [K, B], if the divergence is estimated from samples.
        log_posterior: log q(z|x), [K, B], if the divergence is estimated from samples.
        penalties: Further scalars in the loss, by name.

    >>> import torch
    >>> loss, log_likelihood = torch.tensor(5.0), torch.tensor([[-3.0], [-5.0]])
    >>> terms = Terms(loss, log_likelihood, divergence=torch.tensor([[0.5, 0.5]]))
    >>> terms.reconstruction, terms.elbo
    (tensor([4.]), tensor([-5.]))
    """

    loss: Tensor
    log_likelihood: Tensor
    divergence: Tensor
    log_prior: Tensor | None = None
    log_posterior: Tensor | None = None
    penalties: dict[str, Tensor] = field(default_factory=dict)

    @property
    def reconstruction(self) -> Tensor:
        """-E[log p(x|z)] in nats, [B]."""
        return -self.log_likelihood.mean(0)

    @property
    def elbo(self) -> Tensor:
        """E[log p(x|z)] - KL in nats, [B], a lower bound of log p(x).

        It does not depend on the weights in the loss.
        """
        return -self.reconstruction - self.divergence.sum(-1)

    def named(self) -> dict[str, Tensor]:
        """All tensors by name, penalties included."""
        terms = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return terms | self.penalties


class Objective(Protocol):
    """A function of a model and a batch that training minimizes.

    An attribute `selection_metric` may name the validation metric that selects the best weights,
    if it is not the loss: "reconstruction", "divergence", or "bound", the importance-weighted
    bound of the objective's `samples`.
    """

    def __call__(
        self, model: VAE, x: Tensor, y: Tensor | None = None, *, step: int | None = None
    ) -> Terms:
        """The loss on a batch and its terms.

        Args:
            model: The model.
            x: Examples [B, *shape].
            y: Their classes [B], for a conditional model.
            step: The number of completed steps; None: every warm-up has ended.
        """
        ...
