"""The state of an optimizer as named tensors: what it keeps for each parameter.

Learning rates and other options are not part of it: they follow from the configuration.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

State = dict[int, dict[str, Tensor]]
"""Tensors by name for each parameter, by its number."""


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """The tensors of an optimizer as `<number of the parameter>.<name>`."""
    state: State = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": tensor
        for number, tensors in state.items()
        for name, tensor in tensors.items()
    }


def load_optimizer_tensors(
    optimizer: Optimizer, tensors: Mapping[str, Tensor], create: Callable[..., Optimizer]
) -> None:
    """Give an optimizer the tensors that it had.

    Args:
        optimizer: The optimizer, before its first step.
        tensors: What `optimizer_tensors` returned.
        create: Creates such an optimizer of other parameters.

    Raises:
        ValueError: The tensors are not what the optimizer keeps; it is unchanged.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state = _by_parameter(tensors)
    if state and max(state) >= len(parameters):
        raise ValueError(f"the optimizer has no parameter {max(state)}")
    outline = _outline(parameters, create) if state else {}
    for number, found in state.items():
        expected = {
            name: parameters[number].shape if tensor.shape else tensor.shape
            for name, tensor in outline[number].items()
        }
        if {name: tensor.shape for name, tensor in found.items()} != expected:
            raise ValueError(f"what the optimizer keeps for parameter {number} has another layout")
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _by_parameter(tensors: Mapping[str, Tensor]) -> State:
    state: State = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise ValueError(f"the optimizer has no tensor {key[:100]!r}")
        state.setdefault(int(number), {})[name] = tensor
    return state


def _outline(parameters: list[Tensor], create: Callable[..., Optimizer]) -> State:
    """What such an optimizer keeps, for parameters of one element and as many dimensions."""
    tiny = [p.new_zeros([1] * p.dim()).requires_grad_() for p in parameters]
    optimizer = create(tiny)
    for p in tiny:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    return optimizer.state_dict()["state"]
