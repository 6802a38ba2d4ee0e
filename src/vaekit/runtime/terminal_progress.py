"""Progress with the time left: bars if standard error is a terminal, else a few lines."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import length_hint
from typing import TYPE_CHECKING, TypeVar

from vaekit.printable import printable
from vaekit.runtime.lenient_stream import LenientStream

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

MAX_LINES = 30
MAX_LINE_CHARACTERS = 5000
"""More than a path can have."""
FIRST_LINE_SECONDS = 10.0
LINE_INTERVAL_GROWTH = 1.5
"""The thirtieth line is due after two weeks."""


def progress_console() -> "Console":
    """The console of progress: standard error; a line that cannot be printed is dropped."""
    from rich.console import Console

    if sys.stderr is None:  # as Python has it for a closed one
        return Console(quiet=True)
    return Console(file=LenientStream(sys.stderr))  # type: ignore[arg-type]


def print_line(console: "Console", text: str) -> None:
    """Print one line as it is: names of others neither break it nor act on the terminal."""
    line = printable(text, MAX_LINE_CHARACTERS)
    console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)


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
    """Iterate over steps with the time left, as a bar, or as lines within `progress_lines`."""
    from rich.progress import track as rich_track

    console = progress_console()
    if not console.is_terminal:
        return _with_lines(steps, description, total)
    return iter(rich_track(steps, description, total, console=console, transient=True))


@contextmanager
def progress_lines() -> Iterator[None]:
    """Within the block `track` prints at most 30 lines where there is no terminal.

    Lines become rarer: the first is due after ten seconds, and each next one half as late again.
    """
    token = _lines.set(_Lines())
    try:
        yield
    finally:
        _lines.reset(token)


class _Lines:
    """Lines of all steps within a block."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._due = FIRST_LINE_SECONDS
        self._printed = 0

    def after_step(self, description: str, fraction: float, seconds: float) -> None:
        """Print a line if it is due.

        Args:
            description: The work.
            fraction: How much of it is done.
            seconds: How long that took.
        """
        elapsed = time.monotonic() - self._started
        if elapsed < self._due or self._printed == MAX_LINES:
            return
        self._due = elapsed * LINE_INTERVAL_GROWTH
        self._printed += 1
        left = format_duration(seconds * (1 - fraction) / fraction)
        print_line(progress_console(), f"{description}: {fraction:.0%}, {left} left")


_lines: ContextVar[_Lines | None] = ContextVar("lines", default=None)


def _with_lines(steps: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    lines, started = _lines.get(), time.monotonic()
    total = total or length_hint(steps)
    for done, step in enumerate(steps, 1):
        yield step
        if lines is not None and done < total:
            lines.after_step(description, done / total, time.monotonic() - started)


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
