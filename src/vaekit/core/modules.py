"""Torch modules: evaluation mode, device and precision, numbers of parameters."""

from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor, nn


class eval_mode:  # noqa: N801 - reads as a statement
    """A block in which a model is in evaluation mode; each module's own mode is restored after.

    In evaluation mode batch normalization accepts a single example.
    """

    def __init__(self, model: nn.Module):
        self.model = model
        self.modes = [(module, module.training) for module in model.modules()]

    def __enter__(self) -> None:
        self.model.eval()

    def __exit__(self, *_) -> None:
        for module, training in self.modes:
            module.training = training


def reference_tensor(module: nn.Module) -> Tensor:
    """A tensor with the module's device and precision."""
    tensors = chain(module.parameters(), module.buffers())
    return next((t for t in tensors if t.is_floating_point()), torch.zeros(()))


def zeros_like_model(module: nn.Module, *shape: int) -> Tensor:
    """Zeros of a shape on the module's device and in its precision."""
    reference = reference_tensor(module)
    return torch.zeros(*shape, dtype=reference.dtype, device=reference.device)


class ParameterCount(NamedTuple):
    """Numbers of parameters of a model or a part.

    Args:
        trainable: Parameters that gradients update.
        fixed: Saved numbers that training updates without a gradient, such as the statistics of
            batch normalization or a codebook.
    """

    trainable: int
    fixed: int

    @property
    def total(self) -> int:
        """Trainable and fixed parameters together."""
        return self.trainable + self.fixed


def count_parameters(*modules: nn.Module) -> ParameterCount:
    """The numbers of parameters of modules together."""
    trainable = sum(p.numel() for module in modules for p in module.parameters())
    fixed = sum(
        tensor.numel()
        for module in modules
        for tensor in module.state_dict(keep_vars=True).values()
        if _is_fixed(tensor)
    )
    return ParameterCount(trainable, fixed)


def _is_fixed(saved: Tensor) -> bool:
    """Whether a saved tensor is neither a parameter nor a mere counter."""
    return not isinstance(saved, nn.Parameter) and saved.is_floating_point()
