"""Device, precision and loggers that a configuration asks for, and the memory of this process."""

import ctypes
import sys
from collections.abc import Iterable
from importlib.util import find_spec

import torch

from vaekit.errors import ConfigError, DeviceError

PRECISIONS = {"32-true": torch.float32, "64-true": torch.float64, "bf16-mixed": torch.float32}
"""The type of the weights by precision."""

MIN_COMPILED_STEPS = 20_000
"""Steps that repay the minute that compilation takes."""

# Parameters of mallopt, from malloc.h of glibc.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
MAX_BLOCK_BYTES = 2**28
MAX_FREE_BYTES = 2**30


def find_device(name: str) -> torch.device:
    """The device of a name.

    Args:
        name: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        DeviceError: The device is missing.

    >>> find_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    available = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    full_name = "cuda:0" if name == "cuda" else name
    if full_name not in available:
        raise DeviceError.for_value(
            "training.device",
            name,
            f"one of {', '.join(['auto', *available])}",
            problem="the device is missing",
        )
    return torch.device(full_name)


def find_precision(name: str, device: torch.device) -> str:
    """The precision of a name.

    `auto` is float32, and bfloat16 for the nets on a GPU that has it natively.
    """
    if name != "auto":
        return name
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16-mixed" if native else "32-true"


def check_loggers(names: Iterable[str]) -> None:
    """Raise ConfigError for the first logger whose package is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise ConfigError(
                f'the logger {name} is not installed. Run pip install "vaekit[{name}]".',
                parameter="training.loggers",
            )


def compile_long_training(module: torch.nn.Module, device: torch.device, steps: int) -> None:
    """On a GPU, record a module's forward and backward pass as CUDA graphs for a long training."""
    if device.type == "cuda" and steps >= MIN_COMPILED_STEPS:
        module.compile(mode="reduce-overhead")


def keep_freed_memory() -> None:
    """Let this process keep up to a gigabyte of freed memory, if the C library is glibc.

    A training step frees and allocates the same blocks again and again. glibc returns large ones
    to the system each time, which then clears every page: steps of a convolutional net took 17 or
    28 ms by chance; with this, 17. Of `vaekit evaluate` a third of the time went into it.

    It holds for the whole process and cannot be taken back, so verbs that compute for long call
    it, and methods of objects do not.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, MAX_BLOCK_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, MAX_FREE_BYTES)
