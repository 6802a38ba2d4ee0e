"""The state of torch that callers change, at its defaults within the functions of the package."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

CPU = torch.device("cpu")


@contextmanager
def default_torch_state() -> Iterator[None]:
    """Set what a caller may have changed to its default: a block, or a decorator of functions.

    With gradients, in float32, without autocast and on the CPU, results do not depend on
    `torch.no_grad()`, `torch.inference_mode()`, `torch.autocast`, the default type or device.

    >>> with torch.inference_mode(), default_torch_state():
    ...     torch.is_grad_enabled()
    True
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        if dtype != torch.float32:
            stack.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32)
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.get_default_device() != CPU:
            stack.enter_context(CPU)
        yield
