"""Options of the likelihoods of integers, and their checks."""

from typing import Annotated

from pydantic import Field

from vaekit.arguments import whole_number
from vaekit.errors import ConfigError

MIN_LEVELS = 2
MAX_LEVELS = 65_536
MAX_COMPONENTS = 100

Levels = Annotated[int, Field(ge=MIN_LEVELS, le=MAX_LEVELS)]
Components = Annotated[int, Field(ge=1, le=MAX_COMPONENTS)]


def checked_levels(levels: object, likelihood: str) -> int:
    """The number of levels.

    Raises:
        ConfigError: It is missing, or no whole number from 2 to 65536.
    """
    if levels is None:
        raise ConfigError(
            f"likelihood {likelihood} needs the number of levels of the data. "
            "Set levels, such as 256 for 8-bit images.",
            parameter="likelihood.levels",
        )
    return whole_number("likelihood.levels", levels, MIN_LEVELS, MAX_LEVELS)


def checked_components(components: object) -> int:
    """The number of components of a mixture.

    Raises:
        ConfigError: It is no whole number from 1 to 100.
    """
    return whole_number("likelihood.components", components, 1, MAX_COMPONENTS)
