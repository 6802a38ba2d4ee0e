"""Whole numbers that callers pass: checked, and of Python's type."""

from numbers import Integral
from typing import Any

from vaekit.errors import ConfigError

MAX_SEED = 2**64 - 1


def whole_number(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """A whole number in a range; True and False are none.

    Args:
        name: The parameter.
        value: What was passed for it.
        minimum: The smallest number allowed.
        maximum: The largest number allowed; None without one.

    Raises:
        ConfigError: Anything else.

    >>> whole_number("count", 3, 1)
    3
    >>> whole_number("count", True, 1)
    Traceback (most recent call last):
    vaekit.errors.ConfigError: count is invalid: got True, expected a whole number of at least 1.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if is_whole and minimum <= int(value) and (maximum is None or int(value) <= maximum):
        return int(value)
    upper = f"of at least {minimum:,}" if maximum is None else f"from {minimum:,} to {maximum:,}"
    raise ConfigError.for_value(name, value, f"a whole number {upper}")


def check_seed(seed: Any) -> int:
    """A seed; ConfigError for anything but a whole number from 0 to 2^64 - 1."""
    return whole_number("seed", seed, 0, MAX_SEED)
