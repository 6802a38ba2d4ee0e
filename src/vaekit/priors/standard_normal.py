"""p(z) = N(0, I)."""

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.priors.base import Latent, Prior, continuous


class StandardNormal(Prior):
    """p(z) = N(0, I).

    Raises ConfigError for the codes of a discrete posterior.

    >>> StandardNormal(2)().log_prob(torch.zeros(2))  # -log(2 pi)
    tensor(-1.8379)
    """

    zero: Tensor

    def __init__(self, latent: Latent, condition: int = 0, /):
        super().__init__()
        shape = continuous(latent, "standard-normal", "uniform")
        self.register_buffer("zero", torch.zeros(shape), persistent=False)

    def forward(self, features: Tensor | None = None) -> Independent:
        p = Normal(self.zero, torch.ones_like(self.zero), validate_args=False)
        return Independent(p, self.zero.dim(), validate_args=False)
