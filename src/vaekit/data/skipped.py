"""Files that a reader skipped, and why."""

from typing import NamedTuple

from vaekit.printable import printable

MAX_SHOWN_NAMES = 10


class Skipped(NamedTuple):
    """Files that were skipped for one reason.

    Attributes:
        reason: The reason, such as `hidden`.
        count: Their number.
        names: The first of their names.
    """

    reason: str
    count: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.names)
        return f"{names}, ..." if self.count > len(self.names) else names


class SkippedFiles:
    """Collects skipped files by reason; keeps their number and the first names of each.

    >>> skipped = SkippedFiles()
    >>> skipped.add("hidden", ".git")
    >>> skipped.listed()
    (Skipped(reason='hidden', count=1, names=('.git',)),)
    """

    def __init__(self):
        self._counts: dict[str, int] = {}
        self._names: dict[str, list[str]] = {}

    def add(self, reason: str, name: str) -> None:
        """Note a file."""
        self._counts[reason] = self._counts.get(reason, 0) + 1
        names = self._names.setdefault(reason, [])
        if len(names) < MAX_SHOWN_NAMES:
            names.append(printable(name))

    def listed(self) -> tuple[Skipped, ...]:
        """The reasons, each with its number of files and the first names."""
        return tuple(
            Skipped(reason, count, tuple(self._names[reason]))
            for reason, count in self._counts.items()
        )
