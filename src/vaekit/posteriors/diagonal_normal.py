"""q(z given x) = N(mu, diag(sigma^2))."""

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.core.distribution_module import full_precision
from vaekit.core.distributions import soft_clamp
from vaekit.nets.blocks import Shape, glorot_, head
from vaekit.posteriors.base import Posterior


class DiagonalNormal(Posterior):
    """q(z given x) = N(mu, diag(sigma^2)), mu and log sigma^2 linear in the features (Kingma & Welling, 2014).

    log sigma^2 is bounded smoothly to [-20, 20]: off the linear value by less than 1e-4 between -10 and 10.
    Features that are a map [C, H, W] give a map of `latent` channels, pixel by pixel.

    >>> DiagonalNormal(16, 2)(torch.zeros(5, 16)).event_shape
    torch.Size([2])
    """

    def __init__(self, features: int | Shape, latent: int, /):
        super().__init__()
        self.latent_dim = latent
        self.mu, self.log_var = head(features, latent), head(features, latent)
        self.latent = self.mu.shape
        glorot_(self)

    def forward(self, features: Tensor) -> Independent:  # pyright: ignore[reportIncompatibleMethodOverride]
        log_var = soft_clamp(full_precision(self.log_var(features)), -20.0, 20.0)
        q = Normal(full_precision(self.mu(features)), torch.exp(0.5 * log_var), validate_args=False)
        return Independent(q, len(self.mu.shape), validate_args=False)
