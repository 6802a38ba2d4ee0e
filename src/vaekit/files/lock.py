"""Locks on open files, held by a process until it closes the file or ends, however it ends."""

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None


def lock_file(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file or folder.

    Args:
        descriptor: Its descriptor.
        wait: Whether to wait for another process that holds it.

    Returns:
        Whether it is locked; False if another process holds it, or if the system has no locks.

    >>> with open("images.npz", "rb") as first, open("images.npz", "rb") as second:
    ...     lock_file(first.fileno(), wait=False), lock_file(second.fileno(), wait=False)
    (True, False)
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
