"""p(z given y) = N(mu_y, diag(sigma_y^2))."""

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit.core.distribution_module import full_precision
from vaekit.core.distributions import soft_clamp
from vaekit.errors import ConfigError
from vaekit.priors.base import Latent, Prior, continuous


class ClassNormal(Prior):
    """p(z given y) = N(mu_y, diag(sigma_y^2)), both learned for each class; it starts as N(0, I) (Sohn et al., 2015).

    For a conditional model. log sigma^2 is bounded smoothly to [-20, 20].
    Raises ConfigError for a model without classes, and for the codes of a discrete posterior.

    >>> ClassNormal(2, 10)(torch.eye(10)[:3]).batch_shape
    torch.Size([3])
    """

    def __init__(self, latent: Latent, condition: int = 0, /):
        super().__init__()
        shape = continuous(latent, "class-normal", "autoregressive")
        if not condition:
            raise ConfigError(
                "prior class-normal needs the classes of a conditional model: add --conditional"
            )
        self.mu, self.log_var = (
            nn.Parameter(torch.zeros(condition, *shape)),
            nn.Parameter(torch.zeros(condition, *shape)),
        )

    def forward(self, features: Tensor) -> Independent:  # pyright: ignore[reportIncompatibleMethodOverride]
        mu, log_var = (
            torch.tensordot(full_precision(features), table, 1) for table in (self.mu, self.log_var)
        )
        p = Normal(mu, torch.exp(0.5 * soft_clamp(log_var, -20.0, 20.0)), validate_args=False)
        return Independent(p, mu.dim() - 1, validate_args=False)
