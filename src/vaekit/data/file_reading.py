"""Reading files for all readers: errors of one kind, exact reads, bounded memory."""

import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import numpy as np

from vaekit.errors import DataError, MemoryShortage, VaekitError, read_error

BLOCK_BYTES = 2**24
MAX_SHOWN_PATH = 300
"""Characters of a path that a message shows."""


@contextmanager
def data_errors(source: object, parameter: str | None = None) -> Iterator[None]:
    """Turn every failure of the block into an error of one line; errors of the package pass.

    Args:
        source: The file or object that is read, as the message names it.
        parameter: The parameter at fault.

    Raises:
        DataError: The content is at fault.
        WorkError: The machine is: its memory, its disk, or the network.
    """
    try:
        yield
    except VaekitError:
        raise
    except MemoryError as error:
        raise MemoryShortage(
            f"cannot read {shown_path(source)}: the memory is too small. "
            "Use fewer or smaller examples, or a machine with more memory."
        ) from error
    except OSError as error:
        raise read_error(error, source) or _unreadable(error, source, parameter) from error
    except Exception as error:  # on hostile bytes a decoder may raise anything
        raise _unreadable(error, source, parameter) from error


def _unreadable(error: Exception, source: object, parameter: str | None) -> DataError:
    message = f"cannot read {shown_path(source)}: {reason(error)}. Check it, or save it again."
    return DataError(message, parameter=parameter)


def shown_path(source: object) -> str:
    """A file or an object as messages name it, in quotes once; very long names are shortened."""
    text = str(source)
    if len(text) > MAX_SHOWN_PATH:
        text = f"{text[: MAX_SHOWN_PATH // 2]}…{text[-MAX_SHOWN_PATH // 2 :]}"
    return text if text.startswith(("'", '"')) else repr(text)


def reason(error: Exception) -> str:
    """The first line of an error, without its full stop."""
    text = getattr(error, "strerror", None) or str(error)
    line = text.splitlines()[0].rstrip(". ") if text.strip() else ""
    line = re.sub(r" at 0x[0-9a-fA-F]+", "", line)  # memory of this process is nobody's business
    return line or type(error).__name__


def decompressed(file: BinaryIO) -> BinaryIO:
    """The decompressed content of a gzipped file, or the file itself; of a buffered stream."""
    is_gzipped = file.peek(2)[:2] == b"\x1f\x8b"  # type: ignore[attr-defined]
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if is_gzipped else file


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """This number of bytes, in blocks, so that a size alone allocates nothing; ValueError if the
    stream ends before."""
    if size <= BLOCK_BYTES:
        content = stream.read(size)
    else:
        buffer = io.BytesIO()
        while buffer.tell() < size and (
            block := stream.read(min(BLOCK_BYTES, size - buffer.tell()))
        ):
            buffer.write(block)
        content = buffer.getvalue()
    if len(content) < size:
        raise ValueError(f"the content is truncated: got {len(content):,} of {size:,} bytes")
    return content


def fill(stream: BinaryIO, array: np.ndarray) -> None:
    """Fill a contiguous array from a stream; ValueError unless the stream ends with the array."""
    view = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(view):
        # The stream of an archive reads everything that is requested, and then copies it.
        block = view[done : done + BLOCK_BYTES]
        count = stream.readinto(block)  # type: ignore[attr-defined]
        if not count:
            raise ValueError(
                f"the content is truncated: got {done} bytes, but the header declares {len(view)}"
            )
        done += count
    if stream.read(1):
        raise ValueError(f"the content is longer than the {len(view)} bytes of the header")


def blocks(x: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive examples in blocks of at most 16 MiB (or one example), each with the index of
    its first example."""
    size = max(1, BLOCK_BYTES * len(x) // max(1, x.nbytes))
    for start in range(0, len(x), size):
        yield start, x[start : start + size]
