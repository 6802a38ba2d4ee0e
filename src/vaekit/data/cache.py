"""Where named data lie: $VAEKIT_DATA/<name>, which is only read, then a cache folder of ours, which downloads go to."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vaekit.errors import OutputError


def local_folder(name: str) -> Path | None:
    """The folder $VAEKIT_DATA/<name>, where there is one."""
    root = os.environ.get("VAEKIT_DATA")
    if not root or not re.fullmatch(r"\w[\w.-]*", name):
        return None
    folder = Path(root, name)
    return folder if folder.is_dir() else None


def cache_folder(name: str) -> Path:
    """vaekit/<name> in $XDG_CACHE_HOME, else where this system keeps caches; it need not exist."""
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if chosen.is_absolute():
        root = chosen
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    else:
        root = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return root / "vaekit" / name


def dataset_folders(name: str) -> list[Path]:
    """Where to look for a named dataset, in this order."""
    local = local_folder(name)
    return [*([local] if local else []), cache_folder(name)]


@contextmanager
def cache_lock(folder: Path, size: int) -> Iterator[None]:
    """One process at a time fills a cache folder; OutputError where it cannot be written or lacks `size` bytes of space."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            _wait_for(lock.fileno())
            yield
    except OSError as error:
        raise OutputError(
            f"cannot write into {str(folder)!r}, {error.strerror or error}: it needs up to {size / 1e6:.0f} MB there once, "
            "make room or set XDG_CACHE_HOME to another folder"
        ) from None


def commit(temporary: Path, target: Path) -> None:
    """Give a file that is whole its name, once it is surely on disk."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)


def _wait_for(lock: int) -> None:
    """Hold an open file alone, where the system can; it is let go when closed, however the process ends."""
    with suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
