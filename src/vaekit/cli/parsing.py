"""From the text of options to values."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from vaekit.errors import suggest

if TYPE_CHECKING:
    import numpy as np

MAX_INDICES = 10_000
GRID_VALUE = re.compile(r"(?:[^,\[\]{}]|\[[^\]]*\]|\{[^}]*\})+")
"""A value of a grid: text without commas, except within brackets."""


def one_of(*names: str) -> Callable[[str], str]:
    """A parser that accepts these names.

    >>> one_of("active", "pca")("pca")
    'pca'
    """

    def parse(text: str) -> str:
        if text not in names:
            raise typer.BadParameter(f"unknown name {text!r}: {suggest(text, names)}.")
        return text

    return parse


def parse_size(text: str) -> tuple[int, int]:
    """The height and width in text such as 64x64.

    >>> parse_size("48x64")
    (48, 64)
    """
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise typer.BadParameter(f"{text!r} is not HEIGHTxWIDTH, such as 64x64.")
    return int(height), int(width)


def parse_indices(text: str) -> list[int]:
    """The indices in text such as 0,3-5.

    >>> parse_indices("0,3-5")
    [0, 3, 4, 5]
    """
    indices: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise typer.BadParameter(f"{text!r} is not indices from 0, such as 0,1,7 or 0-9.")
        last = last or first
        if len(part) > 15 or int(last) - int(first) >= MAX_INDICES:
            raise typer.BadParameter(f"{text!r} has more than {MAX_INDICES:,} indices.")
        if int(last) < int(first):
            raise typer.BadParameter(f"{text!r} has a range that descends, expected 0-9.")
        indices += range(int(first), int(last) + 1)
    return indices


def parse_range(text: str) -> tuple[float, float]:
    """The two numbers in text such as -2:2.

    >>> parse_range("-2:2")
    (-2.0, 2.0)
    """
    low, _, high = text.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not LOW:HIGH, such as -2:2.") from None


def parse_latent_codes(texts: list[str]) -> "np.ndarray":
    """Latent codes [N, L] from one text such as 0.5,-1 per code."""
    import numpy as np

    try:
        return np.array([[float(number) for number in text.split(",")] for text in texts])
    except ValueError:
        problem = f"{' '.join(texts)!r} is not one number per latent dimension, such as 0.5,-1."
        raise typer.BadParameter(problem, param_hint="'--z'") from None


def parse_grid(settings: list[str]) -> dict[str, list[str]]:
    """The values of each key in settings such as KEY=V1,V2.

    >>> parse_grid(["objective.beta=0.5,1", "decoder.hidden=[64,32]"])
    {'objective.beta': ['0.5', '1'], 'decoder.hidden': ['[64,32]']}
    """
    grid: dict[str, list[str]] = {}
    for setting in settings:
        key, _, text = setting.partition("=")
        values = GRID_VALUE.findall(text)
        if not key or not values or key in grid:
            problem = f"{setting!r} is not a new key with values, such as objective.beta=0.5,1,2."
            raise typer.BadParameter(problem, param_hint="'--set'")
        grid[key] = values
    return grid


def parse_names(text: str) -> list[str]:
    """The names in text such as flip,shift.

    >>> parse_names("flip, shift")
    ['flip', 'shift']
    """
    return [name.strip() for name in text.split(",") if name.strip()]
