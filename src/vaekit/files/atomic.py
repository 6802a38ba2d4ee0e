"""Atomic writes: a file or folder is complete, or as it was before.

Content is written under a random name beside its target, which no other file has and no link leads
to, and renamed when it is complete. The writer holds a lock on it: what a killed process left is
recognized by its free lock and removed by the next process that writes into the same folder.
"""

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from vaekit.errors import MACHINE_ERRORS, DiskError, OutputError
from vaekit.files.lock import HAS_LOCKS, MAX_WAIT_SECONDS, lock_file, wait_for_lock

TEMPORARY_NAME = re.compile(r"\.vaekit-[0-9a-f]{16}\.tmp")
NEW_FILE = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)
MODE = 0o666  # less what the user's mask says
MAX_ATTEMPTS = 100
DISK_FIXES = {
    errno.ENOSPC: "Free some space, or choose another path",
    errno.EDQUOT: "Free some space, or choose another path",
    errno.EFBIG: "Choose a path on another file system, or write less",
    errno.EMFILE: "Close files, or raise the limit of open files",
    errno.ENFILE: "Close files, or raise the limit of open files",
}


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Write a file through a temporary one, renamed to `path` if the block succeeds.

    Args:
        path: The file; missing parent folders are made. A link is replaced, not followed.

    Yields:
        An empty file to write to.

    Raises:
        OutputError: The file cannot be written; an earlier one is unchanged.
    """
    path = _named(path)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers_once(path.parent.absolute())
        temporary, file = _create_file(path.parent)
        with file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                if not HAS_LOCKS:
                    file.close()  # Windows renames no open file
                temporary.replace(path)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Write a folder through a temporary one, renamed to `path` if the block succeeds.

    An existing folder is replaced: the caller checks that this is allowed. If the process is killed
    while it replaces the folder, the next call with the same path restores the old one first.

    Args:
        path: The folder.

    Yields:
        An empty folder in the same parent folder, to write into.

    Raises:
        OutputError: The folder cannot be written, or contains the current folder.
    """
    path = _resolved(_named(path))
    if Path.cwd().is_relative_to(path):
        raise OutputError(
            f"cannot replace {path}, because it contains the current folder. "
            "Choose another folder, or change the current one.",
            parameter="out",
        )
    previous = path.with_name(_previous_name(path.name))
    with ExitStack() as stack:
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers_once(path.parent)
            with _folder_lock(path.parent):
                _restore(path, previous)
            temporary = stack.enter_context(_temporary_folder(path.parent))
        yield temporary
        with output_errors(path), _folder_lock(path.parent):
            _restore(path, previous)
            if path.exists():
                path.rename(previous)
            try:
                temporary.rename(path)
            except OSError:
                _restore(path, previous)
                raise
            shutil.rmtree(previous, ignore_errors=True)


def _named(path: str | os.PathLike) -> Path:
    """A path with a name; OutputError for others, such as "" and "/"."""
    path = Path(path)
    if path.name in ("", ".."):
        raise OutputError(f"{str(path)!r} names no file. Choose another path.", parameter="out")
    return path


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # until Python 3.13 links in a circle are a RuntimeError
        raise OutputError(
            f"{path} cannot be written: its links lead nowhere. Choose another path.",
            parameter="out",
        ) from None


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left in a folder: no file of another name, or still written."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            if TEMPORARY_NAME.fullmatch(entry.name) and not entry.is_symlink():
                _remove_leftover(Path(entry.path), is_folder=entry.is_dir(follow_symlinks=False))


@lru_cache(maxsize=1024)
def _remove_leftovers_once(folder: Path) -> None:
    """`remove_leftovers` for the first write of this process into a folder."""
    remove_leftovers(folder)


def _remove_leftover(path: Path, is_folder: bool) -> None:
    with suppress(OSError), _open_existing(path) as descriptor:
        if not lock_file(descriptor):
            return
        if is_folder:
            shutil.rmtree(path)
        else:
            path.unlink()


def _create_file(folder: Path) -> tuple[Path, BinaryIO]:
    """A new, locked file of a random name."""
    for path in _random_paths(folder):
        with suppress(FileExistsError):
            descriptor = os.open(path, NEW_FILE, MODE)
            if _is_kept(descriptor, path):
                return path, os.fdopen(descriptor, "wb")
            os.close(descriptor)
    raise FileExistsError(errno.EEXIST, "no free temporary name", str(folder))


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    """A new, locked folder of a random name, removed if it still has this name at the end."""
    for path in _random_paths(parent):
        with suppress(FileExistsError):
            path.mkdir()
            break
    else:
        raise FileExistsError(errno.EEXIST, "no free temporary name", str(parent))
    with _open_existing(path) as descriptor:
        wait_for_lock(descriptor, MAX_WAIT_SECONDS)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def _previous_name(name: str) -> str:
    """The name of a folder while another takes its place; of a bounded length, as names are."""
    return f".vaekit-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}.old"


def _random_paths(folder: Path) -> Iterator[Path]:
    return (folder / f".vaekit-{secrets.token_hex(8)}.tmp" for _ in range(MAX_ATTEMPTS))


def _is_kept(descriptor: int, path: Path) -> bool:
    """Lock a new file; False if it was taken for a leftover and removed before it was locked."""
    wait_for_lock(descriptor, MAX_WAIT_SECONDS)
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    return False


@contextmanager
def _open_existing(path: Path) -> Iterator[int]:
    """The descriptor of a file or folder, not of what a link leads to."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Let one process at a time rename what is in a folder."""
    with _open_existing(folder) as descriptor:
        wait_for_lock(descriptor, MAX_WAIT_SECONDS)
        yield


def _restore(path: Path, previous: Path) -> None:
    """Undo, or complete, the replacement of a folder by a process that was killed meanwhile."""
    if previous.is_symlink() or not previous.is_dir():
        return
    if path.exists():
        shutil.rmtree(previous)
    else:
        previous.rename(path)


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
        reason = f"{_blocking(Path(path))} is not a folder"
    return OutputError(f"cannot write {path}: {reason}. Choose another path.", parameter="out")


def _blocking(path: Path) -> Path:
    """The highest part of a path that exists and is no folder, or the folder of the path."""
    above = [*reversed(path.parents), path]
    return next(
        (each for each in above if os.path.lexists(each) and not each.is_dir()), path.parent
    )


def atomic_write_many(contents: Mapping[Path, bytes]) -> None:
    """Write several files; none gets its name before all are on disk.

    Raises:
        OutputError: A file cannot be written; earlier ones are unchanged.
    """
    with ExitStack() as stack:
        for path, content in contents.items():
            file = stack.enter_context(atomic_write(path))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def check_new_file(path: Path, overwrite: bool) -> None:
    """Check, before long work, that a file may be written.

    Raises:
        OutputError: A folder has the path; or something has it, also a link to nothing, and
            `overwrite` is false.
    """
    if path.is_dir() and not path.is_symlink():
        raise OutputError(f"{path} is a folder. Choose the path of a file.", parameter="out")
    if os.path.lexists(path) and not overwrite:
        raise OutputError(
            f"{path} exists. Choose another path, or overwrite it.", parameter="overwrite"
        )


def atomic_write_bytes(path: str | os.PathLike, content: bytes | memoryview | str) -> None:
    """Write a file of these bytes, or of this text in UTF-8.

    Raises:
        OutputError: The file cannot be written; an earlier one is unchanged.
    """
    with atomic_write(path) as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)
