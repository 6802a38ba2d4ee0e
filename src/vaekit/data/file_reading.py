"""What every reader shares: one kind of error, exact reads, bounded memory."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import numpy as np

from vaekit.errors import DataError, VaekitError

LIMIT_BYTES = 8 * 2**30
"""The most bytes that a compressed file may declare."""

BLOCK_BYTES = 2**24


@contextmanager
def data_errors(what: object) -> Iterator[None]:
    """Turn whatever goes wrong inside into a one-line `DataError` that names `what`."""
    try:
        yield
    except VaekitError:
        raise
    except Exception as error:  # on hostile bytes a decoder may raise anything
        raise DataError(f"{str(what)!r} cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text.splitlines()[0] if text.strip() else type(error).__name__


def decompressed(file: BinaryIO) -> BinaryIO:
    """The content of a file at its start: of a gzipped one what it decompresses to, of any other the file itself."""
    gzipped = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if gzipped else file


def fill(stream: BinaryIO, array: np.ndarray) -> None:
    """Fill a contiguous `array` from `stream`, which must end where the array does; `ValueError` where it does not."""
    view = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(view):
        part = view[
            done : done + BLOCK_BYTES
        ]  # an archive's stream reads all that is asked for, and then copies it
        count = stream.readinto(part)  # type: ignore[attr-defined]
        if not count:
            raise ValueError(
                f"it is truncated, {done} of the {len(view)} bytes that its header declares are there"
            )
        done += count
    if stream.read(1):
        raise ValueError(f"it goes on after the {len(view)} bytes that its header declares")


def blocks(x: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive runs of rows of at most 16 MiB (or one row), each with the number of its first row."""
    rows = max(1, BLOCK_BYTES * len(x) // max(1, x.nbytes))
    for start in range(0, len(x), rows):
        yield start, x[start : start + rows]
