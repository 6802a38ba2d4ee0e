"""The datasets that have a name."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaekit.data import digits, mnist
from vaekit.data.raw import Raw


@dataclass(frozen=True)
class Named:
    """A dataset with a name, described without reading it."""

    read: Callable[[], Raw]
    shape: tuple[int, ...]
    support: str
    classes: int
    train: int
    test: int
    source: str
    licence: str


NAMES: dict[str, Named] = {
    "digits": Named(digits.read, (1, 8, 8), "integers:17", 10, 1797, 0, "UCI, with scikit-learn", "CC BY 4.0"),
    "mnist": Named(mnist.read, (1, 28, 28), "integers:256", 10, 60000, 10000, "LeCun and Cortes, from NIST", "CC BY-SA 3.0"),
}


def describe() -> list[dict[str, Any]]:
    """What is known of every named dataset, without reading one.

    >>> [row["name"] for row in describe()]
    ['digits', 'mnist']
    """
    fields = ("shape", "support", "classes", "train", "test", "source", "licence")
    return [{"name": name} | {field: getattr(named, field) for field in fields} for name, named in NAMES.items()]


def local_folder(name: str) -> Path | None:
    """The folder $VAEKIT_DATA/<name>, where there is one."""
    root = os.environ.get("VAEKIT_DATA")
    if not root or not re.fullmatch(r"\w[\w.-]*", name):
        return None
    folder = Path(root, name)
    return folder if folder.is_dir() else None
