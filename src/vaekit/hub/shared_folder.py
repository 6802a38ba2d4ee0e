"""The files of a shared folder: a run without checkpoints, a model card, plots."""

import json
import re
from contextlib import suppress
from pathlib import Path

from vaekit.config import MAX_CONFIG_BYTES
from vaekit.errors import OutputError, RunError
from vaekit.files.regular import read_regular
from vaekit.runs import (
    CONFIG,
    LOCK,
    MAX_PLOT_BYTES,
    METRICS,
    PLOTS,
    SPLIT,
    SUMMARY,
    WEIGHTS,
    load_config,
)

MODEL_CONFIG = "config.json"
CARD = "README.md"
LIBRARY = "vaekit"
MAX_PLOTS = 100
MAX_TEXT_BYTES = 50_000_000

_MAX_BYTES = {
    CONFIG: MAX_CONFIG_BYTES,
    WEIGHTS: 20_000_000_000,
    SPLIT: 2_000_000_000,
    METRICS: MAX_TEXT_BYTES,
    SUMMARY: MAX_TEXT_BYTES,
    MODEL_CONFIG: MAX_TEXT_BYTES,
    CARD: MAX_TEXT_BYTES,
}
_PLOT = re.compile(rf"{PLOTS}/\w[\w.-]{{0,99}}\.png", re.ASCII)


def max_bytes(name: str) -> int | None:
    """The maximal size of a file in a shared folder.

    Args:
        name: Its path in the folder.

    Returns:
        Bytes; None if a shared folder has no such file.

    >>> max_bytes("plots/grid.png"), max_bytes("plots/../grid.png"), max_bytes("model.pkl")
    (20000000, None, None)
    """
    return MAX_PLOT_BYTES if _PLOT.fullmatch(name) else _MAX_BYTES.get(name)


def is_shared(name: str) -> bool:
    """Whether a shared folder has a file of this name."""
    return max_bytes(name) is not None


def check_target(folder: Path, overwrite: bool) -> None:
    """Check that a shared folder may be written.

    Args:
        folder: The target.
        overwrite: Whether an existing run may be overwritten.

    Raises:
        OutputError: It exists and `overwrite` is false, or it is not a run.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise OutputError(f"{folder} is not a folder. Choose another path.")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise OutputError(
            f"{folder} exists. Choose another folder, or overwrite it.", parameter="overwrite"
        )

    names = _file_names(folder)
    for name in names:
        if not is_shared(name):
            raise OutputError(f"{folder} contains {name}. Choose another folder, or move the file.")
    if names and not _is_run(folder):
        raise OutputError(f"{folder} contains {names[0]} but no run. Choose another folder.")


def _file_names(folder: Path) -> list[str]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    names = (path.relative_to(folder).as_posix() for path in paths)
    return [name for name in names if name != LOCK]


def _is_run(folder: Path) -> bool:
    """Whether a folder is a shared run, even a damaged one, or a run folder."""
    config = folder / MODEL_CONFIG
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        if json.loads(read_regular(config, MAX_TEXT_BYTES))["library"] == LIBRARY:
            return True
    with suppress(RunError):
        load_config(folder)
        return True
    return False
