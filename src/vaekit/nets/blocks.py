"""Layers and initializations that all nets share, and the types of their options."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

Shape = tuple[int, ...]
Width = Annotated[int, Field(ge=1, le=65_536)]
Widths = Annotated[tuple[Width, ...], Field(max_length=64)]
Activation = Literal["relu", "tanh", "silu", "gelu", "elu", "leaky_relu", "sigmoid"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
}


def with_activation(
    layer: nn.Module, activation: Activation, norm: nn.Module | None = None
) -> list[nn.Module]:
    """A layer and its activation, and the normalization after the activation, if any.

    This order is that of the Keras examples.
    """
    layers = [layer, ACTIVATIONS[activation]()]
    return layers if norm is None else [*layers, norm]


def dense_layers(sizes: Iterable[int], activation: Activation, batch_norm: bool) -> list[nn.Module]:
    """Fully connected layers sizes[0] -> sizes[1] -> ..., each with its activation."""
    layers = []
    for size_in, size_out in pairwise(sizes):
        linear = nn.Linear(size_in, size_out)
        norm = nn.BatchNorm1d(size_out) if batch_norm else None
        layers += with_activation(linear, activation, norm)
    return layers


def glorot_init_(module: nn.Module) -> None:
    """Initialize as Keras does, in place: weights uniform (Glorot & Bengio, 2010), biases zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def linear_head(features: int | Shape, size: int) -> "Linear | PixelLinear":
    """A linear layer from features to `size` numbers, or to `size` channels if they are a map.

    Its `shape` is that of the output for one example.
    """
    shape = (features,) if isinstance(features, int) else tuple(features)
    return Linear(*shape, size) if len(shape) == 1 else PixelLinear(shape, size)


class Linear(nn.Linear):
    """A linear layer that states the shape of its output."""

    @property
    def shape(self) -> Shape:
        """The shape of the output for one example."""
        return (self.out_features,)


class PixelLinear(nn.Conv2d):
    """One linear layer for every pixel of a map."""

    def __init__(self, shape: Shape, size: int):
        super().__init__(shape[0], size, 1)
        self.map = shape[1:]

    @property
    def shape(self) -> Shape:
        """The shape of the output for one example."""
        return (self.out_channels, *self.map)


def latent_size(shape: int | Shape) -> int:
    """The number of entries of a latent code of this shape."""
    return shape if isinstance(shape, int) else math.prod(shape)
