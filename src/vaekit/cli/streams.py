"""Standard output and standard error of the command line: a line that is lost ends no work."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from vaekit.runtime.lenient_stream import LenientStream


@contextmanager
def lenient_streams() -> Iterator[LenientStream]:
    """Make standard output and standard error lenient within the block; yields the first."""
    previous = sys.stdout, sys.stderr
    # The first free descriptor is that of a closed stream: no file written later gets it.
    output, errors = (LenientStream(stream or _null()) for stream in previous)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # characters that the encoding lacks
    sys.stdout, sys.stderr = output, errors  # type: ignore[assignment]
    try:
        yield output
    finally:
        for stream in (output, errors):
            _flush(stream)
        sys.stdout, sys.stderr = previous


def _null() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _flush(stream: LenientStream) -> None:
    """Empty the buffer of a stream, if need be into nothing, or Python fails when it exits."""
    stream.flush()
    if stream.error is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
