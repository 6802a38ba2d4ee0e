"""Exhausted memory as an error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from vaekit.errors import MemoryShortage

MESSAGES = (
    "not enough memory",
    "can't allocate memory",
    "out of memory",
    "bad allocation",
    "std::bad_alloc",
)
"""Parts of messages of PyTorch, whose allocator of the CPU raises a RuntimeError."""


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn the errors of Python, NumPy and PyTorch about exhausted memory into ours.

    Raises:
        MemoryShortage: The memory of the machine or of the device is too small.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryShortage(
            "the memory is too small for this work. "
            "Use a smaller batch (training.batch_size), fewer examples, or a smaller model."
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory is exhausted, of the machine or of a device.

    >>> is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    True
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(part in str(error) for part in MESSAGES)
