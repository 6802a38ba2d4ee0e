"""Checks of arguments that callers pass: whole numbers, seeds, paths."""

import os
from contextlib import suppress
from numbers import Integral
from pathlib import Path
from typing import Any

from vaekit.errors import ConfigError

MAX_SEED = 2**64 - 1
MAX_DRAWS = 1_000_000
"""Random draws for one example: more would not end."""
MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4095


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


def as_path(name: str, value: Any) -> Path:
    """A path from text or from an object that stands for a path.

    Args:
        name: The parameter.
        value: What was passed for it.

    Raises:
        ConfigError: Another type, characters that are not of UTF-8, or too many of them.

    >>> as_path("out", "runs/a")
    PosixPath('runs/a')
    >>> as_path("out", 3)
    Traceback (most recent call last):
    vaekit.errors.ConfigError: out is invalid: got 3, expected a path, as text or as a Path.
    """
    text = value
    if isinstance(value, os.PathLike):
        with suppress(Exception):  # an object of others may raise anything
            text = os.fspath(value)
    if not isinstance(text, str):
        raise ConfigError.for_value(name, value, "a path, as text or as a Path")
    try:
        encoded = text.encode("utf-8")  # as files of runs record it
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise ConfigError.for_value(name, text, "a path of characters in UTF-8, without NUL")
    if len(encoded) > MAX_PATH_BYTES or max(map(len, encoded.split(b"/"))) > MAX_NAME_BYTES:
        expected = f"names of at most {MAX_NAME_BYTES} bytes, {MAX_PATH_BYTES:,} in all"
        raise ConfigError.for_value(name, text, expected, problem=f"{name} is too long a path")
    return Path(text)
