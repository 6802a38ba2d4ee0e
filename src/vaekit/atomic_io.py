"""Atomic writes: a file or folder is complete, or as it was before."""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from vaekit.errors import MACHINE_ERRORS, DiskError, OutputError

DISK_FIXES = {
    errno.ENOSPC: "Free some space, or choose another path",
    errno.EDQUOT: "Free some space, or choose another path",
    errno.EFBIG: "Choose a path on another file system, or write less",
    errno.EMFILE: "Close files, or raise the limit of open files",
    errno.ENFILE: "Close files, or raise the limit of open files",
}


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Write a file through a temporary one, renamed to `path` if the block succeeds.

    Args:
        path: The file; missing parent folders are made.

    Yields:
        A path in the same folder, to write to.

    Raises:
        OutputError: The file cannot be written; an earlier one is unchanged.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Write a folder through a temporary one, renamed to `path` if the block succeeds.

    An existing folder is replaced: the caller checks that this is allowed.

    Args:
        path: The folder.

    Yields:
        An empty folder in the same parent folder, to write into.

    Raises:
        OutputError: The folder cannot be written, or contains the current folder.
    """
    path = Path(path).resolve()
    if Path.cwd().is_relative_to(path):
        raise OutputError(
            f"cannot replace {path}, because it contains the current folder. "
            "Choose another folder, or change the current one.",
            parameter="out",
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    previous = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        with output_errors(path):
            temporary.mkdir(parents=True)
        yield temporary
        with output_errors(path):
            if path.exists():
                path.rename(previous)
            temporary.rename(path)
    finally:
        if previous.exists() and not path.exists():
            previous.rename(path)
        for folder in (temporary, previous):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def output_errors(path: str | os.PathLike) -> Iterator[None]:
    """Turn a failure to write `path` into an error of ours.

    Raises:
        OutputError: About the parameter `out`: the path is wrong, or not permitted.
        DiskError: The disk is full or fails, or the system has no more files to open.
    """
    try:
        yield
    except OSError as error:
        raise output_error(error, path) from None


def output_error(error: OSError, path: str | os.PathLike) -> OutputError | DiskError:
    """The error of ours about a failure to write a path."""
    reason = error.strerror or error
    if error.errno in MACHINE_ERRORS:
        fix = DISK_FIXES.get(error.errno or 0, "Check the disk and the limits of the system")
        return DiskError(f"cannot write {path}: {reason}. {fix}.")
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        reason = f"{Path(path).parent} is not a folder"
    return OutputError(f"cannot write {path}: {reason}. Choose another path.", parameter="out")


def atomic_write_many(contents: Mapping[Path, bytes]) -> None:
    """Write several files; none gets its name before all are written.

    Raises:
        OutputError: A file cannot be written; earlier ones are unchanged.
    """
    with ExitStack() as stack:
        for path, content in contents.items():
            stack.enter_context(atomic_write(path)).write_bytes(content)


def atomic_write_bytes(path: str | os.PathLike, content: bytes | memoryview | str) -> None:
    """Write a file of these bytes, or of this text in UTF-8.

    Raises:
        OutputError: The file cannot be written; an earlier one is unchanged.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
