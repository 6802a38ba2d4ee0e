"""Progress bars with the time left, shown if standard error is a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from vaekit.runtime.lenient_stream import LenientStream

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")


def progress_console() -> "Console":
    """The console of progress: standard error; a line that cannot be printed is dropped."""
    from rich.console import Console

    if sys.stderr is None:  # as Python has it for a closed one
        return Console(quiet=True)
    return Console(file=LenientStream(sys.stderr))  # type: ignore[arg-type]


@contextmanager
def byte_progress(description: str, done: int, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar of bytes; yields a function that advances it by a number of bytes."""
    console = progress_console()
    if not console.is_terminal:
        yield lambda count: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, completed=done, total=total)
        yield lambda count: bar.advance(task, count)


def track(steps: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Iterate over steps with a bar and the time left."""
    from rich.progress import track as rich_track

    console = progress_console()
    hidden = not console.is_terminal
    return iter(
        rich_track(steps, description, total, console=console, transient=True, disable=hidden)
    )


def format_duration(seconds: float) -> str:
    """A duration in the units in which one would say it.

    >>> format_duration(42.3), format_duration(190), format_duration(7500)
    ('42 s', '3 min', '2 h 5 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
