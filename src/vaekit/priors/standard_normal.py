"""p(z) = N(0, I)."""

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.codes import Codes
from vaekit.conditional import Conditional
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Shape


class StandardNormal(Conditional):
    """p(z) = N(0, I).

    Raises ConfigError for the codes of a discrete posterior.

    >>> StandardNormal(2)().log_prob(torch.zeros(2))  # -log(2 pi)
    tensor(-1.8379)
    """

    zero: Tensor

    def __init__(self, latent: int | Shape | Codes, condition: int = 0, /):
        super().__init__()
        if isinstance(latent, Codes):
            raise ConfigError("prior standard-normal has a density, the posterior gives discrete codes: set prior=uniform")
        self.register_buffer("zero", torch.zeros(latent), persistent=False)

    def forward(self, features: Tensor | None = None) -> Independent:
        p = Normal(self.zero, torch.ones_like(self.zero), validate_args=False)
        return Independent(p, self.zero.dim(), validate_args=False)
