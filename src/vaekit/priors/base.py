"""What a prior declares: what it is built for, and whether it learns in a stage of its own."""

from typing import ClassVar

from vaekit.core.codebook import Codebook
from vaekit.core.distribution_module import DistributionModule
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Shape

Latent = int | Shape | Codebook
"""What a posterior's z is: so many numbers, a shape, or the entries of a codebook."""


class Prior(DistributionModule):
    """p(z), or p(z given y): nothing, or the condition [B, classes], -> a distribution over z.

    A family is built for what z is and for the width of the condition, 0 without one. Only `forward` is needed of a module of
    your own.
    """

    second_stage: ClassVar[bool] = False
    """Whether it learns alone, when all else has been trained."""

    deferred: bool = False
    """Whether that stage is yet to come."""

    values_per_example: int = 0
    """How many numbers the log-density of one z computes at once, where they are many: it bounds the rows at once."""


class CodePrior(Prior):
    """A prior of discrete codes: those of the posterior's own codebook."""

    def __init__(self, latent: Latent, kind: str):
        super().__init__()
        if not isinstance(latent, Codebook):
            raise ConfigError(
                f"prior {kind} is for discrete codes, the posterior is continuous: set prior=standard-normal"
            )
        self._codebook = (latent,)  # in a tuple, so that it is not counted and saved twice

    @property
    def values_per_example(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.codebook.positions * self.codebook.count

    @property
    def codebook(self) -> Codebook:
        return self._codebook[0]


def continuous(latent: Latent, kind: str, instead: str) -> Shape:
    """The shape of a continuous z; ConfigError, naming the prior to take instead, for a discrete one."""
    if isinstance(latent, Codebook):
        raise ConfigError(
            f"prior {kind} has a density, the posterior gives discrete codes: set prior={instead}"
        )
    return (latent,) if isinstance(latent, int) else latent
