"""p(z) = N(0, I)."""

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.conditional import Conditional


class StandardNormal(Conditional):
    """p(z) = N(0, I).

    >>> StandardNormal(2)().log_prob(torch.zeros(2))  # -log(2 pi)
    tensor(-1.8379)
    """

    zero: Tensor

    def __init__(self, latent: int, /):
        super().__init__()
        self.register_buffer("zero", torch.zeros(latent), persistent=False)

    def forward(self, features: Tensor | None = None) -> Independent:
        return Independent(Normal(self.zero, torch.ones_like(self.zero), validate_args=False), 1, validate_args=False)
