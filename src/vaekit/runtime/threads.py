"""Threads of the CPU: results are equal to the bit for equal numbers of them, on one machine."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Compute with a number of threads within the block.

    Sums are divided among threads, so that their rounding depends on the number.

    Args:
        count: The number of threads; None: as many as before.

    >>> with cpu_threads(1):
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    try:
        if count is not None:
            torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)
