"""What this machine can do of what the options ask: device, precision, loggers; and how it is to keep memory."""

import ctypes
import sys
from collections.abc import Iterable
from importlib.util import find_spec

import torch

from vaekit.errors import ConfigError, DeviceError

PRECISIONS = {"32-true": torch.float32, "64-true": torch.float64, "bf16-mixed": torch.float32}
"""What the weights are kept in."""

COMPILED_FROM = 20_000  # updates
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def find_device(name: str) -> torch.device:
    """The device of that name; DeviceError where it is not there.

    >>> find_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in there:
        raise DeviceError(
            f"device {name!r} is not there: {', '.join(['auto', *there])} can be used here"
        )
    return torch.device(wanted)


def find_precision(name: str, device: torch.device) -> str:
    """`auto`: float32, and on a GPU that computes in bfloat16 natively, that for the nets."""
    if name != "auto":
        return name
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16-mixed" if native else "32-true"


def check_loggers(names: Iterable[str]) -> None:
    """ConfigError for the first logger whose package is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise ConfigError(
                f"training.loggers: {name} is not installed: pip install 'vaekit[{name}]'"
            )


def compile_long_training(module: torch.nn.Module, device: torch.device, updates: int) -> None:
    """On a GPU, record a module's forward and backward as CUDA graphs, where so many updates repay the minute that it takes."""
    if device.type == "cuda" and updates >= COMPILED_FROM:
        module.compile(mode="reduce-overhead")


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, up to a gigabyte, where the C library is glibc; elsewhere nothing.

    A training step frees and asks for the same blocks again and again. glibc hands large ones back to the system each time,
    which then clears every page anew: steps of a convolutional net took 17 or 28 ms, as chance had it; with this, 17.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, 2**28)
        library.mallopt(M_TRIM_THRESHOLD, 2**30)
