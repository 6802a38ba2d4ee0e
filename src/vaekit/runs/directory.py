"""Relative paths that stay valid if the working directory changes."""

from pathlib import Path


def working_directory() -> Path:
    """The working directory; the relative one if it has been deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path()


def from_directory(path: Path, directory: Path) -> Path:
    """A path that was relative to `directory`, from the current working directory."""
    return path if working_directory() == directory else directory / path
