"""Options of the likelihoods of integers, and their checks."""

from numbers import Integral
from typing import Annotated, Any

from pydantic import Field

from vaekit.errors import ConfigError

Levels = Annotated[int, Field(ge=2, le=65_536)]
Components = Annotated[int, Field(ge=1, le=100)]


def checked_levels(levels: Any, likelihood: str) -> int:
    """`levels`, 2 to 65536; ConfigError where they are missing or no such number."""
    if levels is None:
        raise ConfigError(
            f"{likelihood} needs the number of levels of the data: give levels=256 for 8-bit images"
        )
    return _whole("levels", levels, 2, 65_536, ": 256 for 8-bit images")


def checked_components(components: Any) -> int:
    """`components`, 1 to 100; ConfigError where it is no such number."""
    return _whole("components", components, 1, 100)


def _whole(name: str, given: Any, least: int, most: int, remedy: str = "") -> int:
    if not isinstance(given, Integral) or not least <= int(given) <= most:
        raise ConfigError(
            f"{name} = {given!r} must be a whole number from {least} to {most}{remedy}"
        )
    return int(given)
