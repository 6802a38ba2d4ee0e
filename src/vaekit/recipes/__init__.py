"""Recipes: named configurations of parts, one YAML file each.

Reading them imports no part and no torch.
"""

from collections.abc import Sequence
from importlib import resources

from vaekit.errors import ConfigError, suggest

DEFAULT = "conv"

MIN_RESNET_SIDE = 64


def default_for(shape: Sequence[int]) -> str:
    """The default recipe for examples of this shape.

    >>> default_for((1, 28, 28)), default_for((3, 64, 64)), default_for((12,))
    ('conv', 'resnet', 'mlp')
    """
    if len(shape) != 3:
        return "mlp"
    is_large_and_in_color = shape[0] > 1 and min(shape[1:]) >= MIN_RESNET_SIDE
    return "resnet" if is_large_and_in_color else DEFAULT


def names() -> list[str]:
    """The recipes of the package, sorted."""
    files = (file.name for file in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))


def text(name: str) -> str:
    """The text of a recipe's file.

    Raises:
        ConfigError: There is no such recipe; the message suggests the nearest name.
    """
    if name not in names():
        raise ConfigError(
            f"unknown recipe: got {name!r}. {suggest(name, names())}.", parameter="recipe"
        )
    return (resources.files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")


def describe(name: str) -> str:
    """The first comment of a recipe's file in one line: its purpose and its source."""
    comments = []
    for line in text(name).splitlines():
        if not line.startswith("#"):
            break
        comments.append(line.lstrip("# "))
    return " ".join(comments)
