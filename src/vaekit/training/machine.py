"""What this machine can do of what the options ask: device, precision, loggers."""

from collections.abc import Iterable
from importlib.util import find_spec

import torch

from vaekit.errors import ConfigError, DeviceError


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
        raise DeviceError(f"device {name!r} is not there: {', '.join(['auto', *there])} can be used here")
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
            raise ConfigError(f"training.loggers: {name} is not installed: pip install 'vaekit[{name}]'")
