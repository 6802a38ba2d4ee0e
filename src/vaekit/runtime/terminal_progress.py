"""Progress bars with the time left; nothing is shown where standard error is no terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def byte_progress(description: str, done: int, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar of bytes; yields a function to call with each number of new bytes."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
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
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, completed=done, total=total)
        yield lambda count: bar.advance(task, count)


def track(steps: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """The steps, with a bar and the time left while they go by, on a terminal."""
    from rich.console import Console
    from rich.progress import track as rich_track

    console = Console(stderr=True)
    hidden = not console.is_terminal
    return iter(
        rich_track(steps, description, total, console=console, transient=True, disable=hidden)
    )
