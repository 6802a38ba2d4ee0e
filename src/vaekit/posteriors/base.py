"""The interface of posteriors: the shape of z, and the default prior."""

from typing import ClassVar

from vaekit.core.codebook import Codebook
from vaekit.core.distribution_module import DistributionModule
from vaekit.nets.blocks import Shape


class Posterior(DistributionModule):
    """q(z|x): features [B, F], or a map [B, C, h, w], to a distribution over z.

    The distribution may have an attribute `deterministic` (all its mass is on one z) and
    `penalties` (scalars for the loss, by name). A family is constructed from the shape of the
    features and `latent_dim`. A module of your own needs `forward` only; without `latent`, z is a
    vector of the model's `latent_dim` entries.
    """

    latent: Shape | Codebook
    """The shape of z, or the codebook of a discrete z; the prior is built for it."""

    latent_dim: int
    """Numbers, or variables, of z at one position."""

    prior: ClassVar[str] = "standard-normal"
    """The name of the default prior."""

    def anneal(self, progress: float) -> None:
        """Follow an annealing schedule; training calls this before each step.

        Args:
            progress: The completed fraction of training, 0 to 1.
        """
