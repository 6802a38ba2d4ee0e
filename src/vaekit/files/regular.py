"""Open and read regular files alone: no pipe, device or folder, and no more bytes than allowed.

Every failure is an `OSError` whose `strerror` is the reason in plain words. What a path names is
checked before it is opened, because some devices act on being opened, and again on the descriptor,
because a path may name another file by then.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

KERNEL_FOLDERS = ("/proc/", "/sys/")
"""Their entries look like regular files, have no size, and may not end or wait forever."""

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link, and links are not followed here",
}


def open_regular(path: str | os.PathLike, *, follow_links: bool = True) -> BinaryIO:
    """Open a regular file for reading.

    Args:
        path: The file.
        follow_links: Whether the last part of the path may be a symbolic link.

    Raises:
        OSError: The path is missing, not permitted, or no regular file.

    >>> with open_regular("images.npz") as file:
    ...     file.read(2)
    b'PK'
    >>> open_regular("/dev/zero")
    Traceback (most recent call last):
    OSError: [Errno 22] it is a device, not a regular file: '/dev/zero'
    """
    _check_kind(os.stat(path, follow_symlinks=follow_links), path)  # noqa: PTH116 - often called
    descriptor = os.open(path, _flags(follow_links))
    try:
        check_regular(descriptor, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | os.PathLike, limit_bytes: int, *, follow_links: bool = True) -> bytes:
    """The content of a regular file.

    Args:
        path: The file.
        limit_bytes: The most bytes that it may have.
        follow_links: Whether the last part of the path may be a symbolic link.

    Raises:
        OSError: As for `open_regular`; with the number `EFBIG` if the file is too large.

    >>> len(read_regular("images.npz", 10_000)) < 10_000
    True
    """
    with open_regular(path, follow_links=follow_links) as file:
        return _read_within(file, limit_bytes, path)


def _read_within(file: BinaryIO, limit_bytes: int, path: str | os.PathLike) -> bytes:
    """The content of an open file of at most `limit_bytes`; OSError `EFBIG` for a longer one."""
    size = os.fstat(file.fileno()).st_size
    if size > limit_bytes:
        problem = f"it is too large: got {size:,} bytes, expected at most {limit_bytes:,}"
        raise OSError(errno.EFBIG, problem, str(path))
    return file.read(size)


def check_regular(descriptor: int, path: str | os.PathLike) -> None:
    """OSError unless an open file is a regular one.

    Args:
        descriptor: Its descriptor.
        path: Its path, for the message.
    """
    _check_kind(os.fstat(descriptor), path)
    _check_folder(descriptor, path)


def is_regular(path: Path) -> bool:
    """Whether a path names a regular file; False for a path that cannot be looked up."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _flags(follow_links: bool) -> int:
    """Flags for reading that never wait for the other end of a pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return flags if follow_links else flags | getattr(os, "O_NOFOLLOW", 0)


def _check_kind(status: os.stat_result, path: str | os.PathLike) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        name = KINDS.get(kind, "something else")
        number = errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL
        raise OSError(number, f"it is {name}, not a regular file", os.fspath(path))


def _check_folder(descriptor: int, path: str | os.PathLike) -> None:
    """OSError for what the kernel shows as files; elsewhere than on Linux there is none of it."""
    try:
        real = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - often called
    except OSError:
        return
    if real.startswith(KERNEL_FOLDERS):
        raise OSError(errno.EINVAL, "it is a file of the kernel, not a regular file", str(path))
