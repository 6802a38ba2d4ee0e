"""Recipes: named compositions of parts, one YAML file each. Reading them imports no part and no torch."""

from collections.abc import Sequence
from importlib import resources

from vaekit.errors import ConfigError, suggest

DEFAULT = "conv"


def default_for(shape: Sequence[int]) -> str:
    """The recipe for rows of this shape where none is named: by what they are, and for images by size and colour.

    >>> default_for((1, 28, 28)), default_for((3, 64, 64)), default_for((12,))
    ('conv', 'resnet', 'mlp')
    """
    if len(shape) != 3:
        return "mlp"
    return "resnet" if shape[0] > 1 and min(shape[1:]) >= 64 else DEFAULT


def names() -> list[str]:
    """The recipes in the package, sorted."""
    return sorted(
        f.name.removesuffix(".yaml")
        for f in resources.files(__name__).iterdir()
        if f.name.endswith(".yaml")
    )


def text(name: str) -> str:
    """The file of a recipe; ConfigError, with the nearest name, where there is none."""
    if name not in names():
        raise ConfigError(f"unknown recipe {name!r}: {suggest(name, names())}")
    return (resources.files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")


def describe(name: str) -> str:
    """The first comment of the file, in one line: what the recipe is for, and its source."""
    comments = []
    for line in text(name).splitlines():
        if not line.startswith("#"):
            break
        comments.append(line.lstrip("# "))
    return " ".join(comments)
