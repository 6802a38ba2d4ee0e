"""Exhausted memory is work that failed, in one line."""

import numpy as np
import pytest
import torch

from raising import raises
from vaekit.errors import MemoryShortage
from vaekit.runtime.memory_errors import memory_errors

PETABYTE = 2**50

ALLOCATIONS = {
    "numpy": lambda: np.empty(PETABYTE, np.uint8),
    "torch": lambda: torch.empty(PETABYTE, dtype=torch.uint8),
    "python": lambda: bytearray(2**62),
}


@pytest.mark.parametrize("allocate", ALLOCATIONS.values(), ids=ALLOCATIONS)
def test_memory_that_no_machine_has(allocate):
    with raises(MemoryShortage), memory_errors():
        allocate()


def test_memory_of_a_gpu():
    with raises(MemoryShortage), memory_errors():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError) as caught, memory_errors():
        raise RuntimeError("size mismatch")
    assert type(caught.value) is RuntimeError
