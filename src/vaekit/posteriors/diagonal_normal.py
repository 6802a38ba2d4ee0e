"""q(z given x) = N(mu, diag(sigma^2))."""

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit.conditional import Conditional, full_precision
from vaekit.distributions import soft_clamp
from vaekit.nets.blocks import glorot_


class DiagonalNormal(Conditional):
    """q(z given x) = N(mu, diag(sigma^2)), mu and log sigma^2 linear in the features (Kingma & Welling, 2014).

    log sigma^2 is bounded smoothly to [-20, 20]: off the linear value by less than 1e-4 between -10 and 10.

    >>> DiagonalNormal(16, 2)(torch.zeros(5, 16)).event_shape
    torch.Size([2])
    """

    def __init__(self, features: int, latent: int, /):
        super().__init__()
        self.mu, self.log_var = nn.Linear(features, latent), nn.Linear(features, latent)
        glorot_(self)

    def forward(self, features: Tensor) -> Independent:  # pyright: ignore[reportIncompatibleMethodOverride]
        log_var = soft_clamp(full_precision(self.log_var(features)), -20.0, 20.0)
        q = Normal(full_precision(self.mu(features)), torch.exp(0.5 * log_var), validate_args=False)
        return Independent(q, 1, validate_args=False)
