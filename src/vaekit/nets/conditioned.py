"""A net that sees a condition beside its input."""

import torch
from torch import Tensor, nn


class ConditionedNet(nn.Module):
    """`net` with a condition [B, C] as C further numbers, or planes, of its input [B, D, ...]; it is built for D + C.

    >>> Conditioned(nn.Linear(2 + 10, 3))(torch.zeros(5, 2), torch.eye(10)[:5]).shape
    torch.Size([5, 3])
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        planes = condition.reshape(*condition.shape, *[1] * (x.dim() - 2)).expand(
            -1, -1, *x.shape[2:]
        )
        return self.net(torch.cat([x, planes.to(x.dtype)], 1))
