"""Ctrl-C and SIGTERM as the end of a command."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class _Interrupt(KeyboardInterrupt):
    """A KeyboardInterrupt that Python, once caught, does not turn into the status of SIGINT.

    Python does so, whoever caught it, if it came out of text that is executed, as by dataclasses.
    """


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block the first SIGINT or SIGTERM raises KeyboardInterrupt.

    Files that are being written are removed on the way out; a second signal kills the process. A
    signal that the caller of the command ignores, as for a job in the background, stays ignored.
    """
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                handlers[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is _interrupt:
                signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in NUMBERS:
        if signal.getsignal(each) is _interrupt:
            signal.signal(each, signal.SIG_DFL)
    raise _Interrupt
