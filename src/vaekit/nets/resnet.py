"""Residual convolutional nets, for larger images in color.

The pyramid is that of `conv`: every stage halves the image, rounding up, and the decoder doubles
and crops back. Residual blocks with the activation first (He et al., 2016) follow every halving
and precede every doubling, so that a sum passes through from end to end. Group normalization
(Wu & He, 2018) replaces batch normalization: the latent code of an example then depends on no
other example, a batch may have any size, and training and evaluation compute the same.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from vaekit.nets.blocks import (
    Activation,
    Shape,
    Widths,
    dense_layers,
    glorot_init_,
    latent_size,
    with_activation,
)
from vaekit.nets.conv import (
    LAST_KERNEL,
    Kernel,
    SameConv2d,
    SameConvTranspose2d,
    Size,
    default_channels,
    image_size,
    pyramid,
    to_channels_last_,
)

Blocks = Annotated[int, Field(ge=1, le=64)]

CHANNELS_PER_GROUP = 16
CONVOLUTIONS_PER_BLOCK = 2


class ResNetEncoder(nn.Module):
    """Residual stages, then dense layers: images [B, C, H, W] to features [B, hidden[-1]].

    Without dense layers the features are the last map, flattened.

    Args:
        shape: Channels, height and width of an image.
        latent: Latent dimensions; this encoder does not depend on them.
        channels: Channels of each stage, which halves the image; null: 32, 64, 128, ... (at most
            256) until the shorter side is 7 or less.
        blocks: Residual blocks of each stage, of two convolutions each.
        kernel: Side of the square kernels that halve the image; all other kernels have 3.
        hidden: Widths of the dense layers.
        activation: Activation of every layer.

    Raises:
        ConfigError: The shape is not that of an image.

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
        self.channels = default_channels(size) if channels is None else tuple(channels)
        self.blocks = blocks
        self.kernel = kernel
        self.hidden = tuple(hidden)
        self.activation = activation
        widths = [shape[0], *self.channels]
        self.stages = nn.Sequential(
            *downsampling_stages(widths, size, kernel, blocks, activation),
            *norm_and_activation(widths[-1], activation),
        )
        map_size = widths[-1] * math.prod(pyramid(size, len(self.channels))[-1])
        self.dense = nn.Sequential(
            nn.Flatten(), *dense_layers([map_size, *self.hidden], activation, batch_norm=False)
        )
        residual_init_(self)
        to_channels_last_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, F] of images [B, C, H, W]."""
        return self.dense(self.stages(x.contiguous(memory_format=torch.channels_last)))


class ResNetDecoder(nn.Module):
    """The mirror image of `ResNetEncoder`: latent codes to likelihood parameters [B, C, H, W].

    The last layer is linear.

    Args:
        latent: Size, or shape, of a latent code.
        shape: Shape of the likelihood's parameters for one example.
        channels: Channels of each stage in the order of the encoder; null: the encoder's default.
        blocks: Residual blocks of each stage, of two convolutions each.
        kernel: Side of the square kernels that double the image; all other kernels have 3.
        hidden: Widths of the dense layers before the one that makes the smallest map.
        activation: Activation of every layer but the last.

    Raises:
        ConfigError: The shape is not that of an image.

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
        self.channels = default_channels(size) if channels is None else tuple(channels)
        self.blocks = blocks
        self.kernel = kernel
        self.hidden = tuple(hidden)
        self.activation = activation
        smallest = pyramid(size, len(self.channels))[-1]
        widths = [*self.channels[::-1], *(self.channels[:1] or shape[:1])]
        sizes = [latent_size(latent), *self.hidden]
        self.dense = nn.Sequential(
            *dense_layers(sizes, activation, batch_norm=False),
            nn.Linear(sizes[-1], widths[0] * math.prod(smallest)),
            nn.Unflatten(1, (widths[0], *smallest)),
        )
        self.stages = nn.Sequential(
            *upsampling_stages(widths, size, kernel, blocks, activation),
            *norm_and_activation(widths[-1], activation),
        )
        self.last = nn.Conv2d(widths[-1], shape[0], LAST_KERNEL, padding=1)
        residual_init_(self)
        _reduce_weights_(self.last)  # else images start with a variance of one
        to_channels_last_(self)

    def forward(self, z: Tensor) -> Tensor:
        """Likelihood parameters [B, C, H, W] of latent codes [B, *latent shape]."""
        smallest = self.dense(z.flatten(1)).contiguous(memory_format=torch.channels_last)
        return self.last(self.stages(smallest))


class Residual(nn.Module):
    """x plus two convolutions of x, each after normalization and activation.

    At initialization the block is close to the identity, however deep the net is.
    """

    def __init__(self, channels: int, activation: Activation):
        super().__init__()
        layers = []
        for _ in range(CONVOLUTIONS_PER_BLOCK):
            layers += norm_and_activation(channels, activation)
            layers.append(nn.Conv2d(channels, channels, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """A map of the shape of x."""
        return x + self.layers(x)


def norm_and_activation(channels: int, activation: Activation) -> list[nn.Module]:
    """Normalization over groups of 16 channels, then an activation.

    If 16 does not divide the channels, all of them are one group.
    """
    if channels == 1:  # a single value, normalized, is always zero
        return with_activation(nn.Identity(), activation)
    groups = channels // CHANNELS_PER_GROUP if channels % CHANNELS_PER_GROUP == 0 else 1
    return with_activation(nn.GroupNorm(groups, channels), activation)


def downsampling_stages(
    widths: Sequence[int], size: Size, kernel: int, blocks: int, activation: Activation
) -> list[nn.Module]:
    """Stages that each halve an image of `size`, then refine it.

    The channels are widths[0] -> widths[1] -> ...
    """
    stages = []
    sizes = pyramid(size, len(widths))
    for stage_size, c_in, c_out in zip(sizes, widths, widths[1:], strict=False):
        stages.append(SameConv2d(c_in, c_out, kernel, stage_size))
        stages += [Residual(c_out, activation) for _ in range(blocks)]
    return stages


def upsampling_stages(
    widths: Sequence[int], size: Size, kernel: int, blocks: int, activation: Activation
) -> list[nn.Module]:
    """Stages that each refine an image, then double it, back to `size`.

    The channels are widths[0] -> widths[1] -> ...
    """
    stages = []
    sizes = pyramid(size, len(widths) - 1)[-2::-1]
    for stage_size, c_in, c_out in zip(sizes, widths, widths[1:], strict=False):
        stages += [Residual(c_in, activation) for _ in range(blocks)]
        stages.append(SameConvTranspose2d(c_in, c_out, kernel, stage_size))
    return stages


def residual_init_(net: nn.Module) -> None:
    """Initialize as `conv` does, with a tenth for the last convolution of each block, in place."""
    glorot_init_(net)
    for block in net.modules():
        if isinstance(block, Residual):
            _reduce_weights_(block.layers[-1])


def _reduce_weights_(layer: nn.Module) -> None:
    """Multiply weights by a tenth, in place.

    With zero instead, some weights would have no gradient in the first step.
    """
    with torch.no_grad():
        layer.get_parameter("weight").mul_(0.1)
