"""Fully connected nets, for data of any shape."""

import math

from torch import Tensor, nn

from vaekit.nets.blocks import (
    Activation,
    Shape,
    Widths,
    dense_layers,
    glorot_init_,
    latent_size,
)


class MLPEncoder(nn.Module):
    """A fully connected encoder: data [B, *shape] to features [B, hidden[-1]].

    Args:
        shape: Shape of one example.
        latent: Latent dimensions; this encoder does not depend on them.
        hidden: Widths of the layers; without any, the features are the flattened data.
        activation: Activation of every layer.
        batch_norm: Whether batch normalization follows every activation.

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
        self.hidden = tuple(hidden)
        self.activation = activation
        self.batch_norm = batch_norm
        sizes = [math.prod(shape), *hidden]
        self.layers = nn.Sequential(nn.Flatten(), *dense_layers(sizes, activation, batch_norm))
        glorot_init_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, hidden[-1]] of data [B, *shape]."""
        return self.layers(x)


class MLPDecoder(nn.Module):
    """A fully connected decoder: latent codes to likelihood parameters [B, *shape].

    The last layer is linear.

    Args:
        latent: Size, or shape, of a latent code.
        shape: Shape of the likelihood's parameters for one example.
        hidden: Widths of the layers before the last, from the latent code on.
        activation: Activation of every layer but the last.
        batch_norm: Whether batch normalization follows every activation.

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
        self.hidden = tuple(hidden)
        self.activation = activation
        self.batch_norm = batch_norm
        sizes = [latent_size(latent), *hidden]
        self.layers = nn.Sequential(
            *dense_layers(sizes, activation, batch_norm),
            nn.Linear(sizes[-1], math.prod(shape)),
            nn.Unflatten(1, tuple(shape)),
        )
        glorot_init_(self)

    def forward(self, z: Tensor) -> Tensor:
        """Likelihood parameters [B, *shape] of latent codes [B, *latent shape]."""
        return self.layers(z.flatten(1))
