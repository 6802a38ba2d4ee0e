"""Recipes: named compositions of parts, one YAML file each. Reading them imports no part and no torch."""

from importlib import resources

from vaekit.errors import ConfigError, suggest

DEFAULT = "conv"


def names() -> list[str]:
    """The recipes in the package, sorted."""
    return sorted(f.name.removesuffix(".yaml") for f in resources.files(__name__).iterdir() if f.name.endswith(".yaml"))


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
