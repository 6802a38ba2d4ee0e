"""What holds within every public function that computes."""

from collections.abc import Iterator
from contextlib import contextmanager

from vaekit.runtime.memory_errors import memory_errors
from vaekit.runtime.torch_state import default_torch_state


@contextmanager
def library_call() -> Iterator[None]:
    """Compute in the default state of torch, and report exhausted memory as an error of ours.

    A decorator of functions, or a block.

    Raises:
        MemoryShortage: The memory of the machine or of the device is too small.

    >>> with torch.inference_mode(), library_call():
    ...     torch.is_grad_enabled()
    True
    """
    with memory_errors(), default_torch_state():
        yield
