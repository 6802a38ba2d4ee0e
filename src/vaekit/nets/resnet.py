"""Residual convolutional nets, for larger images in colour.

The pyramid is that of `conv`: every stage halves the image, rounding up, and the decoder doubles and crops back. Behind every
halving, and before every doubling, stand residual blocks with the activation first (He et al., 2016), whose sum passes through
from end to end. Group normalisation (Wu & He, 2018) rather than batch normalisation: a row's code then depends on no other row,
a batch may have any size, and training and evaluation compute the same.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from vaekit.nets.blocks import Activation, Shape, Widths, after, dense, glorot_, width
from vaekit.nets.conv import (
    Kernel,
    SameConv2d,
    SameConvTranspose2d,
    Size,
    channels_last,
    default_channels,
    image_size,
    pyramid,
)

Blocks = Annotated[int, Field(ge=1, le=64)]
GROUP = 16  # channels that are normalised together


class ResNetEncoder(nn.Module):
    """Residual stages, then dense layers: images [B, C, H, W] -> features [B, hidden[-1]], or the last map as it is, flat.

    channels: of each stage; by default 32, 64, 128, ... (at most 256) until the shorter side is 7 or less.
    blocks: residual blocks of each stage, two convolutions each.
    kernel: side of the square kernels that halve the image; all others have 3.
    hidden: widths of the dense layers. activation: of every layer.

    >>> ResNetEncoder((3, 64, 64), 32).channels
    (32, 64, 128, 256)
    """

    def __init__(
        self,
        shape: Shape,
        latent: int,
        /,
        *,
        channels: Widths | None = None,
        blocks: Blocks = 1,
        kernel: Kernel = 3,
        hidden: Widths = (),
        activation: Activation = "silu",
    ):
        super().__init__()
        size = image_size(shape, "resnet")
        self.channels = tuple(channels) if channels is not None else default_channels(size)
        self.blocks, self.kernel, self.hidden, self.activation = (
            blocks,
            kernel,
            tuple(hidden),
            activation,
        )
        widths = [shape[0], *self.channels]
        self.stages = nn.Sequential(
            *down(widths, size, kernel, blocks, activation), *normalised(widths[-1], activation)
        )
        flat = widths[-1] * math.prod(pyramid(size, len(self.channels))[-1])
        self.dense = nn.Sequential(
            nn.Flatten(), *dense([flat, *self.hidden], activation, batch_norm=False)
        )
        start_(self)
        channels_last(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.stages(x.contiguous(memory_format=torch.channels_last)))


class ResNetDecoder(nn.Module):
    """The encoder's mirror: latent [B, latent], or a map, -> parameters of the likelihood [B, C, H, W]; linear at the end.

    channels: in the encoder's order; the stages go through them backwards. Default as the encoder's.
    blocks: residual blocks of each stage, two convolutions each.
    kernel: side of the square kernels that double the image; all others have 3.
    hidden: widths of the dense layers before the one that makes the smallest map. activation: of every layer but the last.

    >>> ResNetDecoder(2, (3, 37, 53))(torch.zeros(5, 2)).shape
    torch.Size([5, 3, 37, 53])
    """

    def __init__(
        self,
        latent: int | Shape,
        shape: Shape,
        /,
        *,
        channels: Widths | None = None,
        blocks: Blocks = 1,
        kernel: Kernel = 3,
        hidden: Widths = (),
        activation: Activation = "silu",
    ):
        super().__init__()
        size = image_size(shape, "resnet")
        self.channels = tuple(channels) if channels is not None else default_channels(size)
        self.blocks, self.kernel, self.hidden, self.activation = (
            blocks,
            kernel,
            tuple(hidden),
            activation,
        )
        smallest = pyramid(size, len(self.channels))[-1]
        widths = [*self.channels[::-1], *(self.channels[:1] or shape[:1])]
        sizes = [width(latent), *self.hidden]
        self.dense = nn.Sequential(
            *dense(sizes, activation, batch_norm=False),
            nn.Linear(sizes[-1], widths[0] * math.prod(smallest)),
            nn.Unflatten(1, (widths[0], *smallest)),
        )
        self.stages = nn.Sequential(
            *up(widths, size, kernel, blocks, activation), *normalised(widths[-1], activation)
        )
        self.last = nn.Conv2d(widths[-1], shape[0], 3, padding=1)
        start_(self)
        _damp_(self.last)  # behind a normalisation, images would begin with a variance of one
        channels_last(self)

    def forward(self, z: Tensor) -> Tensor:
        return self.last(
            self.stages(self.dense(z.flatten(1)).contiguous(memory_format=torch.channels_last))
        )


class Residual(nn.Module):
    """x + two convolutions of x, each behind normalisation and activation; it begins close to x, however deep the net."""

    def __init__(self, channels: int, activation: Activation):
        super().__init__()
        self.layers = nn.Sequential(
            *(layer for _ in range(2) for layer in _convolution(channels, activation))
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _convolution(channels: int, activation: Activation) -> list[nn.Module]:
    return [*normalised(channels, activation), nn.Conv2d(channels, channels, 3, padding=1)]


def normalised(channels: int, activation: Activation) -> list[nn.Module]:
    """Normalisation over groups of 16 channels, or all where 16 does not divide them, and an activation behind it."""
    norm = nn.GroupNorm(channels // GROUP if channels % GROUP == 0 else 1, channels)
    return after(
        norm if channels > 1 else nn.Identity(), activation
    )  # a single value normalised would always be zero


def down(
    widths: Sequence[int], size: Size, kernel: int, blocks: int, activation: Activation
) -> list[nn.Module]:
    """Stages that each halve an image of `size`, then refine it, widths[0] -> widths[1] -> ... channels."""
    stages = []
    for n, c_in, c_out in zip(pyramid(size, len(widths)), widths, widths[1:], strict=False):
        stages += [
            SameConv2d(c_in, c_out, kernel, n),
            *(Residual(c_out, activation) for _ in range(blocks)),
        ]
    return stages


def up(
    widths: Sequence[int], size: Size, kernel: int, blocks: int, activation: Activation
) -> list[nn.Module]:
    """Stages that each refine an image, then double it, back to `size`, widths[0] -> widths[1] -> ... channels."""
    stages = []
    for n, c_in, c_out in zip(
        pyramid(size, len(widths) - 1)[-2::-1], widths, widths[1:], strict=False
    ):
        stages += [
            *(Residual(c_in, activation) for _ in range(blocks)),
            SameConvTranspose2d(c_in, c_out, kernel, n),
        ]
    return stages


def start_(net: nn.Module) -> None:
    """Weights as `conv` starts them, but those of the last convolution of each residual block a tenth of that. In place."""
    glorot_(net)
    for block in net.modules():
        if isinstance(block, Residual):
            _damp_(block.layers[-1])


def _damp_(layer: nn.Module) -> None:
    """A tenth and not zero, so that every weight learns from the first update on."""
    with torch.no_grad():
        layer.get_parameter("weight").mul_(0.1)
