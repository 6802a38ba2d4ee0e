"""A net whose input includes a condition."""

import torch
from torch import Tensor, nn


class ConditionedNet(nn.Module):
    """A net for an input [B, D, ...] and a condition [B, C].

    The condition is C further numbers, or constant planes, of the input.

    Args:
        net: A net for inputs of D + C numbers or planes.

    >>> ConditionedNet(nn.Linear(2 + 10, 3))(torch.zeros(5, 2), torch.eye(10)[:5]).shape
    torch.Size([5, 3])
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """The output of the net for input and condition together."""
        pixels = [1] * (x.dim() - 2)
        planes = condition.reshape(*condition.shape, *pixels).expand(-1, -1, *x.shape[2:])
        return self.net(torch.cat([x, planes.to(x.dtype)], 1))
