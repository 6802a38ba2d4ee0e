"""Locks on open files, held by a process until it closes the file or ends, however it ends."""

import errno
import time

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
MAX_WAIT_SECONDS = 10.0
POLL_SECONDS = 0.02


def lock_file(descriptor: int) -> bool:
    """Lock an open file or folder, if no other process holds it.

    Args:
        descriptor: Its descriptor.

    Returns:
        Whether it is locked; False if another process holds it, or if the system has no locks.

    >>> with open("images.npz", "rb") as first, open("images.npz", "rb") as second:
    ...     lock_file(first.fileno()), lock_file(second.fileno())
    (True, False)
    """
    return _lock(descriptor) is None


def wait_for_lock(descriptor: int, seconds: float) -> None:
    """Lock an open file or folder, if the system has locks; wait for another process to free it.

    Args:
        descriptor: Its descriptor.
        seconds: How long to wait. Who may open a file may lock it, and keep it locked.

    Raises:
        BlockingIOError: Another process still holds it.
    """
    deadline = time.monotonic() + seconds
    while _is_held(descriptor):
        if time.monotonic() > deadline:
            raise BlockingIOError(errno.EAGAIN, "another process keeps it locked")
        time.sleep(POLL_SECONDS)


def _is_held(descriptor: int) -> bool:
    """Lock a file; whether another process holds it."""
    return isinstance(_lock(descriptor), BlockingIOError)


def _lock(descriptor: int) -> OSError | None:
    """Lock a file; why it is not locked, or None."""
    if fcntl is None:
        return OSError(errno.ENOTSUP, "the system has no locks")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error
    return None
