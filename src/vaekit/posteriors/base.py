"""What a posterior declares: what its z is, and the prior that suits it."""

from typing import ClassVar

from vaekit.core.codebook import Codebook
from vaekit.core.distribution_module import DistributionModule
from vaekit.nets.blocks import Shape


class Posterior(DistributionModule):
    """q(z given x): features [B, F], or a map [B, C, h, w], -> a distribution over z.

    The distribution may say that it is `certain`, all its mass on one z, and have `penalties`, scalars for the loss by name.
    A family is built from the shape of the features and `latent_dim`. Only `forward` is needed of a module of your own;
    without `latent`, z is a vector of the model's `latent_dim`.
    """

    latent: Shape | Codebook
    """What z is, and what the prior is built for: a shape, or the codebook of a discrete z."""

    latent_dim: int
    """Numbers, or variables, of z at one position."""

    prior: ClassVar[str] = "standard-normal"
    """The name of the prior where none is chosen."""

    def anneal(self, progress: float) -> None:
        """Be told before each update how far training is, 0 to 1: for what is annealed."""
