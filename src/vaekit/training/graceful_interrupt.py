"""Ctrl-C and SIGTERM as a request that training answers between two steps."""

import signal
import threading
from types import FrameType


class GracefulInterrupt:
    """Within the block, the first SIGINT or SIGTERM is noted in `received`; a second one acts.

    Attributes:
        received: The name of the signal, or None.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> "GracefulInterrupt":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._handlers = {}
