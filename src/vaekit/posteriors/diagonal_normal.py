"""q(z|x) = N(mu, diag(sigma^2))."""

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit.core.distribution_module import full_precision
from vaekit.core.distributions import soft_clamp
from vaekit.nets.blocks import Shape, glorot_init_, linear_head
from vaekit.posteriors.base import Posterior

MIN_LOG_VAR = -20.0
MAX_LOG_VAR = 20.0


class DiagonalNormal(Posterior):
    """q(z|x) = N(mu, diag(sigma^2)), with mu and log sigma^2 linear in the features.

    log sigma^2 is bounded smoothly to [-20, 20]; between -10 and 10 it differs from the linear
    value by less than 1e-4. Features that are a map [C, H, W] give a map of `latent` channels.

    Args:
        features: Size, or shape, of the features of one example.
        latent: Latent dimensions, at each pixel if the features are a map.

    References:
        Kingma & Welling, 2014, "Auto-encoding variational Bayes".

    >>> DiagonalNormal(16, 2)(torch.zeros(5, 16)).event_shape
    torch.Size([2])
    """

    def __init__(self, features: int | Shape, latent: int, /):
        super().__init__()
        self.latent_dim = latent
        self.mu = linear_head(features, latent)
        self.log_var = linear_head(features, latent)
        self.latent = self.mu.shape
        glorot_init_(self)

    def forward(self, features: Tensor) -> Independent:
        """q(z|x) of features [B, F] or [B, C, h, w]."""
        mu = full_precision(self.mu(features))
        log_var = soft_clamp(full_precision(self.log_var(features)), MIN_LOG_VAR, MAX_LOG_VAR)
        q = Normal(mu, torch.exp(0.5 * log_var), validate_args=False)
        return Independent(q, len(self.mu.shape), validate_args=False)

    @torch.no_grad()
    def init_from_components(self, shrinkage: Tensor) -> None:
        """Start as the exact posterior of a linear model whose scores are the last features.

        mu = sqrt(1 - shrinkage) score and sigma^2 = shrinkage along each component; latent
        dimensions without a component start at the prior.

        Args:
            shrinkage: Variance of the noise by that of the data along each component, [R].
        """
        for parameter in (*self.mu.parameters(), *self.log_var.parameters()):
            nn.init.zeros_(parameter)
        count = len(shrinkage)
        scores = self.mu.weight[:, -self.latent_dim :]
        scores.diagonal()[:count] = (1 - shrinkage).sqrt()
        bias = self.log_var.bias
        assert bias is not None
        bias[:count] = shrinkage.log()
