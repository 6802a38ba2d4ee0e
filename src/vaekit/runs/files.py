"""The files of a run folder by name: read as regular files of bounded size, through no link.

The folder itself may be a link, which its user chose. Within it links are neither read nor
written through, because a folder from elsewhere may have them.
"""

import errno
from pathlib import Path

from vaekit.errors import OutputError, RunError, read_error
from vaekit.files.atomic import output_errors
from vaekit.files.regular import read_regular

CONFIG = "config.yaml"
WEIGHTS = "model.safetensors"
METRICS = "metrics.csv"
SUMMARY = "summary.json"
SPLIT = "split.npz"
CHECKPOINTS = "checkpoints"
PLOTS = "plots"
REPORT = "report.html"
FILES = (CONFIG, WEIGHTS, METRICS, SUMMARY, SPLIT)

FIXES = {
    WEIGHTS: "The first epoch was interrupted; resume its training",
    CONFIG: "Choose the folder of a run",
}
"""What to do if a file is missing."""


def has_file(folder: Path, name: str) -> bool:
    """Whether a folder has an entry of this name, of any kind; False if it cannot be looked up."""
    try:
        (folder / name).lstat()
    except OSError:
        return False
    return True


def read_file(folder: Path, name: str, limit_bytes: int) -> bytes:
    """The content of a file in a run folder.

    Args:
        folder: The run folder.
        name: Its name, or its path within the folder.
        limit_bytes: The most bytes that it may have.

    Raises:
        RunError: The file is missing, too large, or cannot be read; the message says which.
    """
    path = folder / name
    try:
        check_no_links(folder, path)
        return read_regular(path, limit_bytes, follow_links=False)
    except FileNotFoundError:
        fix = FIXES.get(name, "Restore it, or train again")
        raise RunError(f"{folder} has no {name}. {fix}.", parameter="run") from None
    except OSError as error:
        raise read_error(error, path) or _unreadable(path, error) from None
    except ValueError as error:
        raise _unreadable(path, error) from None


def check_no_links(folder: Path, path: Path) -> None:
    """OSError if a folder between the run folder and the file is a link."""
    for parent in path.relative_to(folder).parents:
        if parent.parts and (folder / parent).is_symlink():
            raise OSError(errno.ELOOP, f"{parent} is a link, and links are not followed here")


def subfolder(folder: Path, name: str) -> Path:
    """A folder within a run folder, created if missing, to write into or to delete from.

    Raises:
        OutputError: It is a link or a file, or cannot be created.
    """
    path = folder / name
    with output_errors(path):
        if path.is_symlink():
            raise OutputError(
                f"{path} is a link, and links in run folders are not followed. "
                "Replace it by a folder.",
                parameter="out",
            )
        path.mkdir(exist_ok=True)
    return path


def _unreadable(path: Path, error: Exception) -> RunError:
    reason = getattr(error, "strerror", None) or str(error)
    if getattr(error, "errno", None) == errno.EFBIG:
        return RunError(f"{path} is not read: {reason}. Train again, or restore the file.")
    return RunError(f"cannot read {path}: {reason}. Check the file and its permissions.")
