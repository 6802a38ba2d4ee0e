"""Convolutional nets whose latent is a small map, with no dense layer between."""

import torch
from torch import Tensor, nn

from vaekit.errors import ConfigError
from vaekit.nets.blocks import Activation, Shape, Widths, glorot_
from vaekit.nets.conv import (
    Kernel,
    TurnedConvTranspose2d,
    channels_last,
    default_channels,
    down,
    image_size,
    pyramid,
    turn,
    up,
)


class ConvMapEncoder(nn.Module):
    """Strided convolutions: images [B, C, H, W] -> a map of features [B, channels[-1], h, w].

    channels: of each stage, which halves the image; by default 32, 64, ... until the shorter side is 7 or less.
    kernel: side of the square kernels. activation, batch_norm: of every layer, in this order.

    >>> ConvMapEncoder((1, 28, 28), 2)(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 64, 7, 7])
    """

    def __init__(
        self,
        shape: Shape,
        latent: int,
        /,
        *,
        channels: Widths | None = None,
        kernel: Kernel = 4,
        activation: Activation = "relu",
        batch_norm: bool = False,
    ):
        super().__init__()
        size = image_size(shape)
        self.channels = tuple(channels) if channels is not None else default_channels(size)
        self.kernel, self.activation, self.batch_norm = kernel, activation, batch_norm
        self.stages = nn.Sequential(
            *down([shape[0], *self.channels], size, kernel, activation, batch_norm)
        )
        glorot_(self)
        channels_last(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(x.contiguous(memory_format=torch.channels_last))


class ConvMapDecoder(nn.Module):
    """The encoder's mirror: a map of latents [B, D, h, w] -> parameters of the likelihood [B, C, H, W].

    channels: in the encoder's order. kernel: side of the square kernels; the first and the last layer have 3.
    activation, batch_norm: of every layer but the last, in this order.

    Raises ConfigError where the map is not what as many stages would make of an image of this shape.

    >>> ConvMapDecoder((2, 7, 7), (1, 28, 28))(torch.zeros(5, 2, 7, 7)).shape
    torch.Size([5, 1, 28, 28])
    """

    def __init__(
        self,
        latent: int | Shape,
        shape: Shape,
        /,
        *,
        channels: Widths | None = None,
        kernel: Kernel = 4,
        activation: Activation = "relu",
        batch_norm: bool = False,
    ):
        super().__init__()
        size = image_size(shape)
        self.channels = tuple(channels) if channels is not None else default_channels(size)
        self.kernel, self.activation, self.batch_norm = kernel, activation, batch_norm
        smallest = pyramid(size, len(self.channels))[-1]
        if isinstance(latent, int) or tuple(latent[1:]) != smallest:
            raise ConfigError(
                f"decoder conv-map with {len(self.channels)} stages starts from a map of {smallest[0]} x {smallest[1]}, the "
                f"latent has the shape {latent}: set encoder=conv-map with the same channels, or decoder=conv"
            )
        widths = self.channels[::-1] or (shape[0],)
        self.stages = nn.Sequential(
            nn.Conv2d(latent[0], widths[0], 3, padding=1),
            *up([widths[0], *self.channels[::-1]], size, kernel, activation, batch_norm),
            TurnedConvTranspose2d(widths[-1], shape[0], 3, size, stride=1),
        )
        glorot_(self)
        channels_last(self)

    def forward(self, z: Tensor) -> Tensor:
        first, *others = self.stages
        x = turn(first(z.contiguous(memory_format=torch.channels_last)))
        for stage in others:
            x = stage(x)
        return turn(x)
