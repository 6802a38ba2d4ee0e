"""The interface of priors: the latent codes that they are for, and their stage of training."""

from typing import ClassVar

from vaekit.core.codebook import Codebook
from vaekit.core.distribution_module import DistributionModule
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Shape

Latent = int | Shape | Codebook
"""A posterior's z: the size of a vector, a shape, or the codebook of a discrete z."""


class Prior(DistributionModule):
    """p(z), or p(z|y): nothing, or the condition [B, classes], to a distribution over z.

    A family is constructed from the posterior's `latent` and the width of the condition, 0 without
    one. A module of your own needs `forward` only.
    """

    second_stage: ClassVar[bool] = False
    """Whether training fits this prior alone, after all other parts."""

    deferred: bool = False
    """Whether the second stage of training has yet to come."""

    values_per_example: int = 0
    """Numbers that the log-density of one z computes at once; they bound the size of batches."""


class CodePrior(Prior):
    """A prior over the discrete codes of the posterior's codebook.

    Args:
        latent: The posterior's codebook.
        kind: The name of the prior, for errors.

    Raises:
        ConfigError: The posterior is continuous.
    """

    def __init__(self, latent: Latent, kind: str):
        super().__init__()
        if not isinstance(latent, Codebook):
            raise ConfigError(
                f"prior {kind} is for discrete latent codes, the posterior is continuous. "
                "Choose the prior standard-normal.",
                parameter="prior",
            )
        self._codebook = (latent,)  # a tuple hides it from torch: the posterior saves and counts it

    @property
    def values_per_example(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The probabilities of all codes at all positions."""
        return self.codebook.positions * self.codebook.count

    @property
    def codebook(self) -> Codebook:
        """The codes that z consists of."""
        return self._codebook[0]


def continuous_shape(latent: Latent, kind: str, alternative: str) -> Shape:
    """The shape of a continuous z.

    Args:
        latent: The posterior's z.
        kind: The name of the prior, for errors.
        alternative: The name of the prior for discrete codes that replaces it.

    Raises:
        ConfigError: The posterior is discrete.
    """
    if isinstance(latent, Codebook):
        raise ConfigError(
            f"prior {kind} has a density, the latent codes of the posterior are discrete. "
            f"Choose the prior {alternative}.",
            parameter="prior",
        )
    return (latent,) if isinstance(latent, int) else latent
