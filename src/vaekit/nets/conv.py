"""Convolutional nets for images of any size and number of channels.

Every stage halves the image, rounding up, with the geometry of Keras's "same" padding. The decoder
doubles the image and crops it back to the sizes of the encoder: 37 -> 19 -> 10 in the encoder, and
10 -> 20, cropped to 19, -> 38, cropped to 37 in the decoder.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from vaekit.errors import ConfigError
from vaekit.nets.blocks import (
    Activation,
    Shape,
    Widths,
    dense_layers,
    glorot_init_,
    latent_size,
    with_activation,
)

Size = tuple[int, int]
Kernel = Annotated[int, Field(ge=2, le=31)]

STRIDE = 2
LAST_KERNEL = 3
MAX_SMALLEST_SIDE = 7
FIRST_CHANNELS = 32
MAX_CHANNELS = 256


class ConvEncoder(nn.Module):
    """Strided convolutions, then dense layers: images [B, C, H, W] to features [B, hidden[-1]].

    Args:
        shape: Channels, height and width of an image.
        latent: Latent dimensions, from which the default of `hidden` follows.
        channels: Channels of each stage, which halves the image; null: 32, 64, 128, ... (at most
            256) until the shorter side is 7 or less.
        kernel: Side of the square kernels.
        hidden: Widths of the dense layers; null: one layer of 8 times the latent dimensions.
        activation: Activation of every layer.
        batch_norm: Whether batch normalization follows every activation.

    Raises:
        ConfigError: The shape is not that of an image.

    >>> ConvEncoder((1, 28, 28), 2).channels
    (32, 64)
    """

    def __init__(
        self,
        shape: Shape,
        latent: int,
        /,
        *,
        channels: Widths | None = None,
        kernel: Kernel = 3,
        hidden: Widths | None = None,
        activation: Activation = "relu",
        batch_norm: bool = False,
    ):
        super().__init__()
        size = image_size(shape)
        self.channels = default_channels(size) if channels is None else tuple(channels)
        self.kernel = kernel
        self.hidden = (8 * latent,) if hidden is None else tuple(hidden)
        self.activation = activation
        self.batch_norm = batch_norm
        widths = [shape[0], *self.channels]
        self.stages = nn.Sequential(
            *downsampling_stages(widths, size, kernel, activation, batch_norm)
        )
        map_size = widths[-1] * math.prod(pyramid(size, len(self.channels))[-1])
        self.dense = nn.Sequential(
            nn.Flatten(), *dense_layers([map_size, *self.hidden], activation, batch_norm)
        )
        glorot_init_(self)
        to_channels_last_(self)

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, hidden[-1]] of images [B, C, H, W]."""
        return self.dense(self.stages(x.contiguous(memory_format=torch.channels_last)))


class ConvDecoder(nn.Module):
    """The mirror image of `ConvEncoder`: latent codes to likelihood parameters [B, C, H, W].

    The last layer is linear.

    Args:
        latent: Size, or shape, of a latent code.
        shape: Shape of the likelihood's parameters for one example.
        channels: Channels of each stage in the order of the encoder, so that both options are
            equal; null: the encoder's default.
        kernel: Side of the square kernels; the last layer, at full size, always has 3.
        hidden: Widths of the dense layers before the one that makes the smallest map.
        activation: Activation of every layer but the last.
        batch_norm: Whether batch normalization follows every activation.

    Raises:
        ConfigError: The shape is not that of an image.

    >>> ConvDecoder(2, (3, 37, 53))(torch.zeros(5, 2)).shape
    torch.Size([5, 3, 37, 53])
    """

    def __init__(
        self,
        latent: int | Shape,
        shape: Shape,
        /,
        *,
        channels: Widths | None = None,
        kernel: Kernel = 3,
        hidden: Widths = (),
        activation: Activation = "relu",
        batch_norm: bool = False,
    ):
        super().__init__()
        size = image_size(shape)
        self.channels = default_channels(size) if channels is None else tuple(channels)
        self.kernel = kernel
        self.hidden = tuple(hidden)
        self.activation = activation
        self.batch_norm = batch_norm
        smallest = pyramid(size, len(self.channels))[-1]
        widths = self.channels[::-1] or (shape[0],)
        sizes = [latent_size(latent), *self.hidden, widths[0] * math.prod(smallest)]
        self.dense = nn.Sequential(
            *dense_layers(sizes, activation, batch_norm),
            nn.Unflatten(1, (widths[0], *smallest)),
        )
        stage_widths = [widths[0], *self.channels[::-1]]
        self.stages = nn.Sequential(
            *upsampling_stages(stage_widths, size, kernel, activation, batch_norm),
            RotatedConvTranspose2d(widths[-1], shape[0], LAST_KERNEL, size, stride=1),
        )
        glorot_init_(self)
        to_channels_last_(self)

    def forward(self, z: Tensor) -> Tensor:
        """Likelihood parameters [B, C, H, W] of latent codes [B, *latent shape]."""
        smallest = self.dense(z.flatten(1)).contiguous(memory_format=torch.channels_last)
        return rotate_180(self.stages(rotate_180(smallest)))


def downsampling_stages(
    widths: Sequence[int], size: Size, kernel: int, activation: Activation, batch_norm: bool
) -> list[nn.Module]:
    """Stages that each halve an image of `size`, widths[0] -> widths[1] -> ... channels."""
    stages = []
    sizes = pyramid(size, len(widths))
    for stage_size, c_in, c_out in zip(sizes, widths, widths[1:], strict=False):
        conv = SameConv2d(c_in, c_out, kernel, stage_size)
        stages += with_activation(conv, activation, nn.BatchNorm2d(c_out) if batch_norm else None)
    return stages


def upsampling_stages(
    widths: Sequence[int], size: Size, kernel: int, activation: Activation, batch_norm: bool
) -> list[nn.Module]:
    """Stages that each double a rotated image, back to `size`.

    The channels are widths[0] -> widths[1] -> ...
    """
    stages = []
    sizes = pyramid(size, len(widths) - 1)[-2::-1]
    for stage_size, c_in, c_out in zip(sizes, widths, widths[1:], strict=False):
        conv = RotatedConvTranspose2d(c_in, c_out, kernel, stage_size)
        stages += with_activation(conv, activation, nn.BatchNorm2d(c_out) if batch_norm else None)
    return stages


class SameConv2d(nn.Conv2d):
    """A convolution of stride 2 with Keras's "same" padding: size n to ceil(n / 2).

    Half of the padding comes before the image, and the odd row or column after it.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, size: Size):
        super().__init__(c_in, c_out, kernel, STRIDE)
        height, width = (max((-(-n // STRIDE) - 1) * STRIDE + kernel - n, 0) for n in size)
        top = height // 2
        left = width // 2
        self.pad = (left, width - left, top, height - top)

    def forward(self, x: Tensor) -> Tensor:
        """Images of half the size."""
        return super().forward(F.pad(x, self.pad))


class SameConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution cropped as Keras's "same", and then at the end to `size`.

    With a stride of 2 a map of size ceil(n / 2) becomes one of size n, with a stride of 1 the size
    stays. Keras crops at the end what PyTorch's padding crops at the start. The layer therefore
    works on the image rotated by 180 degrees, where no crop at the end remains and only odd sizes
    are padded. It adds the bias itself: the gradient of the bias within a transposed convolution
    takes longer than both other gradients together (benchmarks/README.md).
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, size: Size, stride: int = STRIDE):
        super().__init__(c_in, c_out, kernel, stride)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Images of the layer's `size`."""
        return rotate_180(self.forward_rotated(rotate_180(x)))

    def forward_rotated(self, x: Tensor) -> Tensor:
        """Rotated images of the layer's `size`, from rotated ones."""
        stride = self.stride[0]
        kernel = self.kernel_size[0]
        crop_end = (kernel - stride) // 2
        crop_start = [
            (n - 1) * stride + kernel - crop_end - size
            for n, size in zip(x.shape[-2:], self.size, strict=True)
        ]
        missing = [divmod(crop - crop_end, stride) for crop in crop_start]
        (pad_height, extra_height), (pad_width, extra_width) = missing
        if pad_height or pad_width:
            x = F.pad(x, (0, pad_width, 0, pad_height))
        kernels = rotate_180(self.weight)
        x = F.conv_transpose2d(x, kernels, None, stride, crop_start, (extra_height, extra_width))
        return x if self.bias is None else x.add_(self.bias.to(x.dtype)[:, None, None])


class RotatedConvTranspose2d(SameConvTranspose2d):
    """`SameConvTranspose2d` between rotated images: a chain rotates only at both its ends."""

    forward = SameConvTranspose2d.forward_rotated


def rotate_180(x: Tensor) -> Tensor:
    """Images, or kernels, rotated by 180 degrees."""
    return x.flip(-2, -1)


def pyramid(size: Size, depth: int) -> list[Size]:
    """The sizes of an image that is halved `depth` times, rounding up.

    >>> pyramid((37, 53), 3)
    [(37, 53), (19, 27), (10, 14), (5, 7)]
    """
    sizes = [size]
    for _ in range(depth):
        height, width = sizes[-1]
        sizes.append((-(-height // STRIDE), -(-width // STRIDE)))
    return sizes


def default_channels(size: Size) -> tuple[int, ...]:
    """32, 64, 128, ... (at most 256) for as many stages as bring the shorter side to 7 or less.

    There is at least one stage.
    """
    depth = 1
    while min(pyramid(size, depth)[-1]) > MAX_SMALLEST_SIDE:
        depth += 1
    return tuple(min(FIRST_CHANNELS * 2**i, MAX_CHANNELS) for i in range(depth))


def to_channels_last_(module: nn.Module) -> None:
    """Put weights into the layout in which convolutions on a CPU are fastest, in place."""
    module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - not in stubs


def image_size(shape: Shape, net: str = "conv") -> Size:
    """Height and width of an image of this shape.

    Raises:
        ConfigError: The shape is not that of an image.
    """
    if len(shape) != 3:
        raise ConfigError.for_value(
            "shape",
            tuple(shape),
            "images (channels, height, width)",
            problem=f"the shape of the data does not suit the net {net}",
            fix="Choose the net mlp",
        )
    return shape[1], shape[2]
