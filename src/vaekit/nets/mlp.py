"""Fully connected nets, for data of any shape."""

import math

from torch import Tensor, nn

from vaekit.nets.blocks import Activation, Shape, Widths, dense, glorot_, width


class MLPEncoder(nn.Module):
    """Fully connected: data [B, *shape] -> features [B, hidden[-1]].

    hidden: widths of the layers; none passes the flattened data on.
    activation, batch_norm: of every layer, in this order.

    >>> import torch
    >>> MLPEncoder((1, 28, 28), 2, hidden=(256, 64))(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 64])
    """

    def __init__(
        self,
        shape: Shape,
        latent: int,
        /,
        *,
        hidden: Widths = (512,),
        activation: Activation = "relu",
        batch_norm: bool = False,
    ):
        super().__init__()
        self.hidden, self.activation, self.batch_norm = tuple(hidden), activation, batch_norm
        self.layers = nn.Sequential(
            nn.Flatten(), *dense([math.prod(shape), *hidden], activation, batch_norm)
        )
        glorot_(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class MLPDecoder(nn.Module):
    """Fully connected: latent [B, latent] (or a map) -> parameters of the likelihood [B, *shape]; the last layer is linear.

    hidden: widths of the layers between, in the order in which they are passed.
    activation, batch_norm: of every layer but the last, in this order.

    >>> import torch
    >>> MLPDecoder(2, (1, 28, 28), hidden=(64, 256))(torch.zeros(5, 2)).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(
        self,
        latent: int | Shape,
        shape: Shape,
        /,
        *,
        hidden: Widths = (512,),
        activation: Activation = "relu",
        batch_norm: bool = False,
    ):
        super().__init__()
        self.hidden, self.activation, self.batch_norm = tuple(hidden), activation, batch_norm
        sizes = [width(latent), *hidden]
        self.layers = nn.Sequential(
            *dense(sizes, activation, batch_norm),
            nn.Linear(sizes[-1], math.prod(shape)),
            nn.Unflatten(1, tuple(shape)),
        )
        glorot_(self)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z.flatten(1))
