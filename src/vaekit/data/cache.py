"""Folders of named datasets: $VAEKIT_DATA/<name>, only read, then a cache for downloads."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vaekit.errors import MACHINE_ERRORS, DiskError, OutputError


def local_folder(name: str) -> Path | None:
    """The folder $VAEKIT_DATA/<name>, if it exists."""
    root = os.environ.get("VAEKIT_DATA")
    if not root or not re.fullmatch(r"\w[\w.-]*", name):
        return None
    folder = Path(root, name)
    return folder if folder.is_dir() else None


def cache_folder(name: str) -> Path:
    """vaekit/<name> in $XDG_CACHE_HOME, by default where the system keeps caches; it need not
    exist."""
    return _cache_root() / "vaekit" / name


def _cache_root() -> Path:
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if configured.is_absolute():  # the standard ignores relative paths
        return configured
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def dataset_folders(name: str) -> list[Path]:
    """The folders to search for a named dataset, in this order."""
    local = local_folder(name)
    cache = cache_folder(name)
    return [cache] if local is None else [local, cache]


@contextmanager
def cache_lock(folder: Path, size: int) -> Iterator[None]:
    """Let one process at a time write into a cache folder.

    Args:
        folder: The folder, made if missing.
        size: The bytes that the block writes, for the message.

    Raises:
        OutputError: The folder cannot be written.
        DiskError: The disk is full or fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            _acquire(lock.fileno())
            yield
    except OSError as error:
        reason = error.strerror or error
        kind = DiskError if error.errno in MACHINE_ERRORS else OutputError
        raise kind(
            f"cannot write {size / 1e6:.0f} MB into {str(folder)!r}: {reason}. "
            "Free some space, or set XDG_CACHE_HOME to another folder."
        ) from None


def commit(temporary: Path, target: Path) -> None:
    """Rename a complete file, once its content is on disk."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)


def _acquire(lock: int) -> None:
    """Lock an open file, if the system can; closing it, however the process ends, releases it."""
    with suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
