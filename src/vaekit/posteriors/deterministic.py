"""One code for each x: the plain autoencoder."""

from torch import Tensor

from vaekit.core.distribution_module import full_precision
from vaekit.core.distributions import Delta
from vaekit.nets.blocks import Shape, glorot_, head
from vaekit.posteriors.base import Posterior


class Deterministic(Posterior):
    """All mass on z = mu(x), linear in the features: the posterior of a plain autoencoder.

    It has no density, so no divergence and no ELBO: train it with the objective `reconstruction-only`.

    >>> import torch
    >>> Deterministic(16, 2)(torch.zeros(5, 16)).mean.shape
    torch.Size([5, 2])
    """

    def __init__(self, features: int | Shape, latent: int, /):
        super().__init__()
        self.latent_dim = latent
        self.mu = head(features, latent)
        self.latent = self.mu.shape
        glorot_(self)

    def forward(self, features: Tensor) -> Delta:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Delta(full_precision(self.mu(features)), len(self.mu.shape))
