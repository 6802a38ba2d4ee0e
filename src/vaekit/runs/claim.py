"""Claim a folder for a new run, and clear that of an old one."""

import os
import time
from pathlib import Path

from vaekit.atomic_io import output_errors
from vaekit.errors import OutputError, RunError
from vaekit.runs.folder import (
    CHECKPOINT,
    CONFIG,
    METRICS,
    PLOTS,
    REPORT,
    SPLIT,
    SUMMARY,
    WEIGHTS,
    load_config,
)

DEFAULT_PARENT = Path("runs")
MAX_NUMBERED_FOLDERS = 10_000


def claim_folder(out: str | os.PathLike | None, name: str, overwrite: bool) -> Path:
    """Create an empty folder for a run.

    Args:
        out: The folder; default runs/NAME-DATE-TIME.
        name: Name of the run, for the default folder.
        overwrite: Remove the files of an existing run.

    Raises:
        OutputError: The folder is not that of a run, or must not be overwritten.
    """
    with output_errors(DEFAULT_PARENT if out is None else out):
        if out is None:
            return _create_unused(DEFAULT_PARENT / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}")
        folder = Path(out)
        if folder.exists() and not folder.is_dir():
            raise OutputError(
                f"{folder} exists but is not a folder. Choose another output folder.",
                parameter="out",
            )
        if folder.exists() and any(folder.iterdir()):
            _clear(folder, overwrite)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _create_unused(folder: Path) -> Path:
    """Create `folder`, or one with a number appended, so that runs of one second do not collide."""
    numbered = (f"{folder.name}-{i}" for i in range(2, MAX_NUMBERED_FOLDERS))
    for name in (folder.name, *numbered):
        unused = folder.with_name(name)
        try:
            unused.mkdir(parents=True)
        except FileExistsError:
            continue
        return unused
    raise OutputError(
        f"{folder} and {MAX_NUMBERED_FOLDERS - 2:,} numbered folders exist. "
        "Choose an output folder.",
        parameter="out",
    )


def _clear(folder: Path, overwrite: bool) -> None:
    """Remove the files of a run and no others; OutputError unless it is one and may be removed."""
    try:
        load_config(folder)
    except RunError:
        raise OutputError(
            f"{folder} exists but is not a run folder. Choose another output folder.",
            parameter="out",
        ) from None
    if not overwrite:
        raise OutputError(
            f"{folder} exists. Choose another output folder, or overwrite the run.",
            parameter="overwrite",
        )
    for name in (REPORT, SUMMARY, METRICS, WEIGHTS, SPLIT, CONFIG):
        (folder / name).unlink(missing_ok=True)
    for checkpoint in (folder / CHECKPOINT).parent.glob("*.ckpt"):
        checkpoint.unlink()
    for plot in (folder / PLOTS).glob("*.png"):
        plot.unlink()
