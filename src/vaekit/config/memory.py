"""Refuse models that cannot fit into memory, before they are allocated."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import nn

from vaekit.config.schema import Settings
from vaekit.errors import ConfigError
from vaekit.runtime.memory import available_memory

OPTIMIZER_COPIES = {"adam": 4, "muon": 3, "rmsprop": 3, "sgd": 2}
"""Weights, gradients and running averages by optimizer, in sizes of the weights."""

Part = TypeVar("Part", bound=nn.Module)


def copies_in_training(config: Settings) -> int:
    """How many times the weights are in the memory of this machine while they are trained.

    On a GPU they are there once, as they are built.
    """
    if torch.cuda.is_available():
        return 1
    return OPTIMIZER_COPIES.get(config.part("optimizer").kind, 2)


class ModelMemory:
    """The memory of the parts of a model, each counted before it is built.

    Args:
        config: The configuration.
        copies: How many times the weights will be in memory.
    """

    def __init__(self, config: Settings, copies: int = 1):
        self.config = config
        self.copies = copies
        self.available = available_memory()
        self.sizes: dict[str, int] = {}

    def build(self, family: str, make: Callable[[], Part]) -> Part:
        """Build a part, or one that wraps it, if it fits.

        Args:
            family: Its family, such as encoder.
            make: Builds it.

        Raises:
            ConfigError: All parts so far take more than the memory of this machine.
        """
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            self.sizes[family] = _bytes(make(), self.copies)
        needed = sum(self.sizes.values())
        if needed > self.available:
            raise self._error(family, needed)
        return make()

    def _error(self, family: str, needed: int) -> ConfigError:
        parameter = _largest_option(family, self.config)
        contents = "weights"
        if self.copies > 1:
            contents = "weights, gradients and the state of the optimizer"
        return ConfigError(
            f"the model is too large: got {needed:,} bytes of {contents}, expected at most "
            f"{self.available:,.0f}, the memory of this machine. Use a smaller {parameter}.",
            parameter=parameter,
        )


def _bytes(part: nn.Module, copies: int) -> int:
    """The bytes of copies of its weights, and of its other tensors."""
    weights = sum(each.numel() * each.element_size() for each in part.parameters())
    others = sum(each.numel() * each.element_size() for each in part.buffers())
    return copies * weights + others


def _largest_option(family: str, config: Settings) -> str:
    """The key with the largest number among the options of a part and latent_dim."""
    options: Mapping[str, Any] = config.part(family).model_dump()
    numbers = {f"{family}.{name}": _largest(value) for name, value in options.items()}
    numbers["latent_dim"] = config.latent_dim or 0
    key = max(numbers, key=numbers.__getitem__)
    return key if numbers[key] > 0 else family


def _largest(value: object) -> int:
    values = value if isinstance(value, tuple | list) else [value]
    return max((each for each in values if type(each) is int), default=0)
