"""Recipes: named configurations of parts, one YAML file each.

Reading them imports no part and no torch.
"""

from importlib import resources

from vaekit.errors import ConfigError

DEFAULT = "plane"
"""The recipe of the default dataset, MNIST."""


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
        raise ConfigError.unknown("recipe", name, names(), parameter="recipe")
    return (resources.files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")


def describe(name: str) -> str:
    """The first comment of a recipe's file in one line: its purpose and its source."""
    comments = []
    for line in text(name).splitlines():
        if not line.startswith("#"):
            break
        comments.append(line.lstrip("# "))
    return " ".join(comments)
