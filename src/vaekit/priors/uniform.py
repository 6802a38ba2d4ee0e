"""p(z) the same for all discrete codes."""

import torch
from torch import Tensor

from vaekit.codes import Codes, IndependentCodes
from vaekit.conditional import Conditional
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Shape


class Uniform(Conditional):
    """p(z) = K^-M for M positions of K codes each: the prior of a discrete latent that nothing is known of.

    Raises ConfigError for a posterior that is not discrete.

    >>> Uniform(Codes(torch.eye(10), groups=20))().log_prob(torch.zeros(200)) / 20  # -log 10
    tensor(-2.3026)
    """

    logits: Tensor

    def __init__(self, latent: int | Shape | Codes, condition: int = 0, /):
        super().__init__()
        if not isinstance(latent, Codes):
            raise ConfigError("prior uniform is for discrete codes, the posterior is continuous: set prior=standard-normal")
        self.codes = (latent,)  # the posterior's own: in a tuple, so that it is not counted and saved twice
        self.register_buffer("logits", torch.zeros(1, latent.count), persistent=False)

    def forward(self, features: Tensor | None = None) -> IndependentCodes:
        return IndependentCodes(self.codes[0], self.logits)
