"""p(z|y) = N(mu_y, diag(sigma_y^2))."""

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit.core.distribution_module import full_precision
from vaekit.core.distributions import soft_clamp
from vaekit.errors import ConfigError
from vaekit.priors.base import Latent, Prior, continuous_shape

MIN_LOG_VAR = -20.0
MAX_LOG_VAR = 20.0


class ClassNormal(Prior):
    """p(z|y) = N(mu_y, diag(sigma_y^2)), both learned for each class, for conditional models.

    It starts as N(0, I). log sigma^2 is bounded smoothly to [-20, 20].

    Args:
        latent: Size, or shape, of a latent code.
        condition: Number of classes.

    Raises:
        ConfigError: The model has no classes, or the posterior is discrete.

    References:
        Sohn et al., 2015, "Learning structured output representation using deep conditional
        generative models".

    >>> ClassNormal(2, 10)(torch.eye(10)[:3]).batch_shape
    torch.Size([3])
    """

    def __init__(self, latent: Latent, condition: int = 0, /):
        super().__init__()
        shape = continuous_shape(latent, "class-normal", "autoregressive")
        if not condition:
            raise ConfigError(
                "prior class-normal needs the classes of a conditional model. "
                "Set conditional to true, or choose the prior standard-normal.",
                parameter="conditional",
            )
        self.mu = nn.Parameter(torch.zeros(condition, *shape))
        self.log_var = nn.Parameter(torch.zeros(condition, *shape))

    def forward(self, features: Tensor) -> Independent:
        """p(z|y) of the condition [B, C]."""
        weights = full_precision(features)
        mu = torch.tensordot(weights, self.mu, 1)
        log_var = torch.tensordot(weights, self.log_var, 1)
        sigma = torch.exp(0.5 * soft_clamp(log_var, MIN_LOG_VAR, MAX_LOG_VAR))
        p = Normal(mu, sigma, validate_args=False)
        return Independent(p, mu.dim() - 1, validate_args=False)
