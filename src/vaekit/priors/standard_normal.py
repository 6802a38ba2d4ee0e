"""p(z) = N(0, I)."""

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.priors.base import Latent, Prior, continuous_shape


class StandardNormal(Prior):
    """p(z) = N(0, I).

    Args:
        latent: Size, or shape, of a latent code.
        condition: Width of the condition, which this prior does not depend on.

    Raises:
        ConfigError: The posterior is discrete.

    >>> StandardNormal(2)().log_prob(torch.zeros(2))  # -log(2 pi)
    tensor(-1.8379)
    """

    zero: Tensor

    def __init__(self, latent: Latent, condition: int = 0, /):
        super().__init__()
        shape = continuous_shape(latent, "standard-normal", "uniform")
        self.register_buffer("zero", torch.zeros(shape), persistent=False)

    def forward(self, features: Tensor | None = None) -> Independent:
        """p(z), for any condition."""
        p = Normal(self.zero, torch.ones_like(self.zero), validate_args=False)
        return Independent(p, self.zero.dim(), validate_args=False)
