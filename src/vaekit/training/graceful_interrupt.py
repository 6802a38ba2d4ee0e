"""Ctrl-C and SIGTERM as a request that training answers with a checkpoint."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar

from vaekit.errors import Interrupted

T = TypeVar("T")


class GracefulInterrupt:
    """Within the block, the first SIGINT or SIGTERM is noted in `received`; a second one acts.

    Attributes:
        received: The name of the signal, or None.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._handlers: dict[int, object] = {}
        self._is_immediate = False

    def __enter__(self) -> "GracefulInterrupt":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def until_signal(self, work: Callable[[], T]) -> T | None:
        """The result of work that changes nothing, or None as soon as a signal is received."""
        try:
            self._is_immediate = True
            return None if self.received else work()
        except KeyboardInterrupt:
            if not self.received:
                raise
            return None
        finally:
            self._is_immediate = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
        self._restore()
        if self._is_immediate:
            raise KeyboardInterrupt

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._handlers = {}


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Turn Ctrl-C within the block into an error that says how to resume the run."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"The run was interrupted. Resume it with `vaekit train --resume {folder}`."
        ) from None
