"""Convolutional nets whose latent code is a small map, without dense layers."""

import torch
from torch import Tensor, nn

from vaekit.errors import ConfigError
from vaekit.nets.blocks import Activation, Shape, Widths, glorot_init_
from vaekit.nets.conv import (
    LAST_KERNEL,
    Kernel,
    RotatedConvTranspose2d,
    default_channels,
    downsampling_stages,
    image_size,
    pyramid,
    rotate_180,
    to_channels_last_,
    upsampling_stages,
)


class ConvMapEncoder(nn.Module):
    """Strided convolutions: images [B, C, H, W] to a map of features [B, channels[-1], h, w].

    Args:
        shape: Channels, height and width of an image.
        latent: Latent dimensions; this encoder does not depend on them.
        channels: Channels of each stage, which halves the image; null: 32, 64, 128, ... (at most
            256) until the shorter side is 7 or less.
        kernel: Side of the square kernels.
        activation: Activation of every layer.
        batch_norm: Whether batch normalization follows every activation.

    Raises:
        ConfigError: The shape is not that of an image.

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
        self.channels = default_channels(size) if channels is None else tuple(channels)
        self.kernel = kernel
        self.activation = activation
        self.batch_norm = batch_norm
        widths = [shape[0], *self.channels]
        self.stages = nn.Sequential(
            *downsampling_stages(widths, size, kernel, activation, batch_norm)
        )
        glorot_init_(self)
        to_channels_last_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, channels[-1], h, w] of images [B, C, H, W]."""
        return self.stages(x.contiguous(memory_format=torch.channels_last))


class ConvMapDecoder(nn.Module):
    """The mirror image of `ConvMapEncoder`: a map of latent codes to likelihood parameters.

    The latent codes are [B, D, h, w], the parameters [B, C, H, W]; the last layer is linear.

    Args:
        latent: Shape of a latent code, (D, h, w).
        shape: Shape of the likelihood's parameters for one example.
        channels: Channels of each stage in the order of the encoder; null: the encoder's default.
        kernel: Side of the square kernels; the first and the last layer have 3.
        activation: Activation of every layer but the last.
        batch_norm: Whether batch normalization follows every activation.

    Raises:
        ConfigError: The latent code is not the map that as many stages make of such an image.

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
        self.channels = default_channels(size) if channels is None else tuple(channels)
        self.kernel = kernel
        self.activation = activation
        self.batch_norm = batch_norm
        smallest = pyramid(size, len(self.channels))[-1]
        if isinstance(latent, int) or tuple(latent[1:]) != smallest:
            height, width = smallest
            raise ConfigError.for_value(
                "decoder",
                latent,
                f"a map of {height} x {width}",
                problem=f"decoder conv-map with {len(self.channels)} stages does not fit the shape "
                "of the latent codes",
                fix="Choose the encoder conv-map with the same channels, or the decoder conv",
            )
        widths = self.channels[::-1] or (shape[0],)
        stage_widths = [widths[0], *self.channels[::-1]]
        self.stages = nn.Sequential(
            nn.Conv2d(latent[0], widths[0], LAST_KERNEL, padding=1),
            *upsampling_stages(stage_widths, size, kernel, activation, batch_norm),
            RotatedConvTranspose2d(widths[-1], shape[0], LAST_KERNEL, size, stride=1),
        )
        glorot_init_(self)
        to_channels_last_(self)

    def forward(self, z: Tensor) -> Tensor:
        """Likelihood parameters [B, C, H, W] of latent codes [B, D, h, w]."""
        first, *others = self.stages
        x = rotate_180(first(z.contiguous(memory_format=torch.channels_last)))
        for stage in others:
            x = stage(x)
        return rotate_180(x)
