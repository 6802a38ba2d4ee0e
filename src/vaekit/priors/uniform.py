"""p(z) uniform over all discrete codes."""

import torch
from torch import Tensor

from vaekit.core.codebook import IndependentCodes
from vaekit.priors.base import CodePrior, Latent


class Uniform(CodePrior):
    """p(z) = K^-M for M positions of K codes each.

    Args:
        latent: The posterior's codebook.
        condition: Width of the condition, which this prior does not depend on.

    Raises:
        ConfigError: The posterior is continuous.

    >>> from vaekit.core.codebook import Codebook
    >>> Uniform(Codebook(torch.eye(10), groups=20))().log_prob(torch.zeros(200)) / 20  # -log 10
    tensor(-2.3026)
    """

    logits: Tensor

    def __init__(self, latent: Latent, condition: int = 0, /):
        super().__init__(latent, "uniform")
        self.register_buffer("logits", torch.zeros(1, self.codebook.count), persistent=False)

    def forward(self, features: Tensor | None = None) -> IndependentCodes:
        """p(z), for any condition."""
        return IndependentCodes(self.codebook, self.logits)
