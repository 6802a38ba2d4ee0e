"""One latent code for each x: the plain autoencoder."""

from torch import Tensor

from vaekit.core.distribution_module import full_precision
from vaekit.core.distributions import Delta
from vaekit.nets.blocks import Shape, glorot_init_, linear_head
from vaekit.posteriors.base import Posterior


class Deterministic(Posterior):
    """All mass on z = mu(x), linear in the features: the posterior of a plain autoencoder.

    It has no density, hence no divergence and no ELBO: its objective is `reconstruction-only`.

    Args:
        features: Size, or shape, of the features of one example.
        latent: Latent dimensions, at each pixel if the features are a map.

    >>> import torch
    >>> Deterministic(16, 2)(torch.zeros(5, 16)).mean.shape
    torch.Size([5, 2])
    """

    def __init__(self, features: int | Shape, latent: int, /):
        super().__init__()
        self.latent_dim = latent
        self.mu = linear_head(features, latent)
        self.latent = self.mu.shape
        glorot_init_(self)

    def forward(self, features: Tensor) -> Delta:
        """q(z|x) of features [B, F] or [B, C, h, w]."""
        return Delta(full_precision(self.mu(features)), len(self.mu.shape))
