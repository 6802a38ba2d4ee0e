"""Paths that callers pass: checked before a file system sees them."""

import os
from pathlib import Path
from typing import Any

from vaekit.errors import ConfigError

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 4095


def as_path(name: str, value: Any) -> Path:
    """A path from text or from an object that stands for a path.

    Args:
        name: The parameter.
        value: What was passed for it.

    Raises:
        ConfigError: Another type, characters that paths do not have, or too many of them.

    >>> as_path("out", "runs/a")
    PosixPath('runs/a')
    >>> as_path("out", 3)
    Traceback (most recent call last):
    vaekit.errors.ConfigError: out is invalid: got 3, expected a path, as text or as a Path.
    """
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise ConfigError.for_value(name, value, "a path, as text or as a Path")
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise ConfigError.for_value(name, text, "a path of characters that file names can have")
    if len(encoded) > MAX_PATH_BYTES or max(map(len, encoded.split(b"/"))) > MAX_NAME_BYTES:
        expected = f"names of at most {MAX_NAME_BYTES} bytes, {MAX_PATH_BYTES:,} in all"
        raise ConfigError.for_value(name, text, expected, problem=f"{name} is too long a path")
    return Path(text)
