"""Claim a folder for a run: this process alone writes it, and its files have one run id."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vaekit.errors import OutputError, RunError
from vaekit.files.atomic import TEMPORARY_NAME, output_errors, remove_leftovers
from vaekit.runs.files import (
    CHECKPOINTS,
    METRICS,
    PLOTS,
    REPORT,
    SPLIT,
    SUMMARY,
    WEIGHTS,
    has_file,
    subfolder,
)
from vaekit.runs.folder import load_config, load_run_config
from vaekit.runs.lock import HEARTBEAT_SECONDS, LOCK, MAX_MISSED_HEARTBEATS, FolderLock
from vaekit.runs.run_id import RunId, new_run_id

DEFAULT_PARENT = Path("runs")
MAX_NUMBERED_FOLDERS = 10_000
GENERATED = {
    CHECKPOINTS: ("*.safetensors", "*.ckpt"),
    PLOTS: (
        *("*.png", "*.svg", "*.pdf", "*.gif", "*.webp"),
        *("sample-*.npy", "mixture-*.npy", "reconstruct.npy"),
    ),
}
"""Patterns of the files that vaekit writes into folders of a run."""
RESTART_PATIENCE = 2 * MAX_MISSED_HEARTBEATS * HEARTBEAT_SECONDS
"""Seconds that a restarted run waits for the process that it replaces."""


@dataclass(frozen=True)
class Claim:
    """The run folder that a training writes.

    Attributes:
        folder: The folder.
        run_id: The run id of its files.
        lock: Its lock; None in processes that do not write.
    """

    folder: Path
    run_id: RunId = None
    lock: FolderLock | None = None

    def check(self) -> None:
        """Raise WorkError if another process has taken over the folder."""
        if self.lock is not None:
            self.lock.check()


@contextmanager
def claim_folder(
    out: str | os.PathLike | None, name: str, overwrite: bool, *, is_restart: bool = False
) -> Iterator[Claim]:
    """Claim an empty folder for a new run.

    Args:
        out: The folder; default runs/NAME-DATE-TIME.
        name: Name of the run, for the default folder.
        overwrite: Remove the files of an existing run, except its configuration, which the caller
            replaces: at no time there is a folder of two runs, or of none.
        is_restart: Wait for the process that this one replaces.

    Raises:
        OutputError: The folder is not that of a run, must not be overwritten, or is in use.
    """
    folder = _create_unused(name) if out is None else _create(Path(out), overwrite)
    with FolderLock(folder, patience=_patience(is_restart)) as lock:
        if out is not None and not _is_empty(folder):
            _check_overwrite(folder, overwrite)
            _clear(folder)
        yield Claim(folder, new_run_id(), lock)


@contextmanager
def claim_existing(folder: Path, *, is_restart: bool = False) -> Iterator[Claim]:
    """Claim the folder of a run to resume it.

    Args:
        folder: The run folder.
        is_restart: Wait for the process that this one replaces.

    Raises:
        RunError: The folder is not that of a run.
        OutputError: It is in use.
    """
    load_run_config(folder)
    with FolderLock(folder, patience=_patience(is_restart)) as lock:
        remove_leftovers(folder)
        for name in GENERATED:
            if has_file(folder, name):
                remove_leftovers(subfolder(folder, name))
        yield Claim(folder, load_run_config(folder).run_id, lock)


def _patience(is_restart: bool) -> float:
    return RESTART_PATIENCE if is_restart else 0.0


def check_claimable(out: str | os.PathLike | None, overwrite: bool) -> None:
    """Check that a new run could claim its folder, and write nothing.

    Args:
        out: The folder; default in runs/.
        overwrite: Whether an existing run may be overwritten.

    Raises:
        OutputError: As for `claim_folder`, which may still fail: another process may come first.
    """
    folder = DEFAULT_PARENT if out is None else Path(out)
    with output_errors(folder):
        if out is not None:
            _check_free(folder, overwrite)
        nearest = _nearest_existing(folder)
        if not nearest.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _nearest_existing(folder: Path) -> Path:
    """A path, or the lowest folder above it that exists."""
    for each in (folder, *folder.parents):
        with suppress(FileNotFoundError):
            each.lstat()
            return each
    return Path()


def _create(folder: Path, overwrite: bool) -> Path:
    with output_errors(folder):
        _check_free(folder, overwrite)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _check_free(folder: Path, overwrite: bool) -> None:
    """OutputError unless a folder is missing, empty, or that of a run that may be overwritten."""
    with output_errors(folder):
        if folder.exists() and not folder.is_dir():
            raise OutputError(
                f"{folder} exists but is not a folder. Choose another output folder.",
                parameter="out",
            )
        if folder.exists() and not _is_empty(folder):
            _check_overwrite(folder, overwrite)


def _create_unused(name: str) -> Path:
    """A new folder, with a number appended if a run of the same second has its name."""
    folder = DEFAULT_PARENT / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    numbered = (f"{folder.name}-{i}" for i in range(2, MAX_NUMBERED_FOLDERS))
    with output_errors(DEFAULT_PARENT):
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


def _is_empty(folder: Path) -> bool:
    """Whether a folder has nothing but what a killed process of vaekit may leave."""
    with output_errors(folder):
        names = [entry.name for entry in os.scandir(folder)]
    return all(name == LOCK or TEMPORARY_NAME.fullmatch(name) for name in names)


def _check_overwrite(folder: Path, overwrite: bool) -> None:
    """OutputError unless a folder is that of a run and may be overwritten."""
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


def _clear(folder: Path) -> None:
    """Remove the files of a run except its configuration, and no others."""
    stale = [folder / name for name in (REPORT, SUMMARY, METRICS, WEIGHTS, SPLIT)]
    for name, patterns in GENERATED.items():
        if not has_file(folder, name):
            continue
        inner = subfolder(folder, name)
        remove_leftovers(inner)
        stale += [path for pattern in patterns for path in inner.glob(pattern)]
    for path in stale:
        if path.is_dir() and not path.is_symlink():
            raise OutputError(
                f"{path} is a folder, where a run has a file. Remove it, or choose another folder.",
                parameter="out",
            )
    for path in stale:
        with output_errors(path):
            path.unlink(missing_ok=True)
    remove_leftovers(folder)
