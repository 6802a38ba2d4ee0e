"""An encoder that normalizes its input."""

from torch import Tensor, nn

from vaekit.core.normalization import Normalization


class NormalizedEncoder(nn.Module):
    """An encoder of normalized data.

    Args:
        net: Encoder of normalized data.
        normalization: The map from data to what the net sees.

    >>> import torch
    >>> NormalizedEncoder(nn.Identity(), Normalization("unit", (3,)))(torch.ones(2, 3)).shape
    torch.Size([2, 3])
    """

    def __init__(self, net: nn.Module, normalization: Normalization):
        super().__init__()
        self.net = net
        self.normalization = normalization

    def forward(self, x: Tensor, *condition: Tensor) -> Tensor:
        """Features of data [B, *shape] in their own units."""
        return self.net(self.normalization(x), *condition)
