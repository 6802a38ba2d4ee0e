"""The pieces that every net is made of, and the types of their options."""

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

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
}


def after(
    layer: nn.Module, activation: Activation, norm: nn.Module | None = None
) -> list[nn.Module]:
    """A layer, its activation, and batch normalisation behind it where wanted (the order of R2 and of Keras's examples)."""
    return [layer, _ACTIVATIONS[activation](), *([norm] if norm else [])]


def dense(sizes: Iterable[int], activation: Activation, batch_norm: bool) -> list[nn.Module]:
    """Fully connected layers sizes[0] -> sizes[1] -> ..., each with its activation."""
    sizes = list(sizes)
    layers = []
    for before, behind in pairwise(sizes):
        layers += after(
            nn.Linear(before, behind), activation, nn.BatchNorm1d(behind) if batch_norm else None
        )
    return layers


def glorot_(module: nn.Module) -> None:
    """Start as Keras does: weights uniform by Glorot & Bengio (2010), biases zero. In place."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def head(features: int | Shape, size: int) -> "Linear | PixelLinear":
    """One linear layer on features: a vector gives `size` numbers, a map that many channels.

    Its `shape` is that of the output for one row.
    """
    shape = (features,) if isinstance(features, int) else tuple(features)
    return Linear(*shape, size) if len(shape) == 1 else PixelLinear(shape, size)


class Linear(nn.Linear):
    """A linear layer that knows its output's shape."""

    @property
    def shape(self) -> Shape:
        return (self.out_features,)


class PixelLinear(nn.Conv2d):
    """The same linear layer at each pixel of a map."""

    def __init__(self, shape: Shape, size: int):
        super().__init__(shape[0], size, 1)
        self.map = shape[1:]

    @property
    def shape(self) -> Shape:
        return (self.out_channels, *self.map)


def width(shape: int | Shape) -> int:
    """How many numbers a latent of this shape has."""
    return shape if isinstance(shape, int) else math.prod(shape)
