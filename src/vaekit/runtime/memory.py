"""The memory that this process may use."""

import math
import os
from contextlib import suppress
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
GROUPS_OF_PROCESS = Path("/proc/self/cgroup")
GROUP_LIMITS = ("memory.max", "memory.limit_in_bytes")
"""Files with the limit of a control group, in version 2 and version 1."""


def available_memory(root: Path = CONTROL_GROUPS, groups: Path = GROUPS_OF_PROCESS) -> int | float:
    """Bytes of memory: of the machine, or fewer by a control group or a limit of the process.

    Args:
        root: The folder of the control groups.
        groups: The file that lists the control groups of the process.

    Returns:
        The bytes; infinity on a system that does not say.

    >>> available_memory() > 2**20
    True
    """
    return min(_machine_memory(), _group_memory(root, groups), _process_memory())


def _machine_memory() -> int | float:
    try:
        pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf
    return pages * page_bytes if pages > 0 and page_bytes > 0 else math.inf


def _process_memory() -> int | float:
    try:
        import resource
    except ImportError:
        return math.inf
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def _group_memory(root: Path, groups: Path) -> int | float:
    """The lowest limit of the control groups of the process, and of the groups above them."""
    limits: list[int | float] = [math.inf]
    lines: list[str] = []
    with suppress(OSError):
        lines = groups.read_text(encoding="utf-8").splitlines()
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" or "memory" in controllers.split(","):
            folder = root if number == "0" else root / "memory"
            limits += _limits_above(folder, folder / path.lstrip("/"))
    return min(limits)


def _limits_above(root: Path, folder: Path) -> list[int]:
    """The limits of a group and of those above it; of the root if the group is not shown here."""
    folders = [folder, *folder.parents] if folder.is_relative_to(root) else [root]
    files = (each / name for each in folders if each.is_relative_to(root) for name in GROUP_LIMITS)
    return [limit for limit in map(_limit, files) if limit is not None]


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
