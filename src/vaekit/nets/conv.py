"""Convolutional nets for images of any size and number of channels.

Every stage halves the image, rounding up, with Keras's "same" geometry; the decoder doubles and crops back to the sizes
that the encoder went through (37 -> 19 -> 10 and 10 -> 20, cropped to 19 -> 38, cropped to 37).
"""

import math
from collections.abc import Sequence
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from vaekit.errors import ConfigError
from vaekit.nets.blocks import Activation, Shape, Widths, after, dense, glorot_, width

Size = tuple[int, int]
Kernel = Annotated[int, Field(ge=2, le=31)]
STRIDE = 2


class ConvEncoder(nn.Module):
    """Strided convolutions, then dense layers: images [B, C, H, W] -> features [B, hidden[-1]].

    channels: of each stage; by default 32, 64, 128, ... (at most 256) until the shorter side is 7 or less.
    kernel: side of the square kernels.
    hidden: widths of the dense layers; by default one of 8 x latent.
    activation, batch_norm: of every layer, in this order.

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
        self.channels = tuple(channels) if channels is not None else default_channels(size)
        self.hidden = tuple(hidden) if hidden is not None else (8 * latent,)
        self.kernel, self.activation, self.batch_norm = kernel, activation, batch_norm
        self.stages = nn.Sequential(
            *down([shape[0], *self.channels], size, kernel, activation, batch_norm)
        )
        flat = ([shape[0], *self.channels])[-1] * math.prod(pyramid(size, len(self.channels))[-1])
        self.dense = nn.Sequential(
            nn.Flatten(), *dense([flat, *self.hidden], activation, batch_norm)
        )
        glorot_(self)
        channels_last(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.stages(x.contiguous(memory_format=torch.channels_last)))


class ConvDecoder(nn.Module):
    """The encoder's mirror: latent [B, latent], or a map, -> parameters of the likelihood [B, C, H, W]; linear at the end.

    channels: in the encoder's order, so that both read alike; the stages go through them backwards. Default as the encoder's.
    kernel: side of the square kernels; the last layer, at full size, always has 3.
    hidden: widths of the dense layers before the one that makes the smallest map.
    activation, batch_norm: of every layer but the last, in this order.

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
        self.channels = tuple(channels) if channels is not None else default_channels(size)
        self.hidden, self.kernel, self.activation, self.batch_norm = (
            tuple(hidden),
            kernel,
            activation,
            batch_norm,
        )
        smallest = pyramid(size, len(self.channels))[-1]
        widths = self.channels[::-1] or (shape[0],)
        self.dense = nn.Sequential(
            *dense(
                [width(latent), *self.hidden, widths[0] * math.prod(smallest)],
                activation,
                batch_norm,
            ),
            nn.Unflatten(1, (widths[0], *smallest)),
        )
        stages = up([widths[0], *self.channels[::-1]], size, kernel, activation, batch_norm)
        self.stages = nn.Sequential(
            *stages, TurnedConvTranspose2d(widths[-1], shape[0], 3, size, stride=1)
        )
        glorot_(self)
        channels_last(self)

    def forward(self, z: Tensor) -> Tensor:
        return turn(
            self.stages(
                turn(self.dense(z.flatten(1)).contiguous(memory_format=torch.channels_last))
            )
        )


def down(
    widths: Sequence[int], size: Size, kernel: int, activation: Activation, batch_norm: bool
) -> list[nn.Module]:
    """Stages that each halve an image of `size`, widths[0] -> widths[1] -> ... channels."""
    stages = []
    for n, c_in, c_out in zip(pyramid(size, len(widths)), widths, widths[1:], strict=False):
        conv = SameConv2d(c_in, c_out, kernel, n)
        stages += after(conv, activation, nn.BatchNorm2d(c_out) if batch_norm else None)
    return stages


def up(
    widths: Sequence[int], size: Size, kernel: int, activation: Activation, batch_norm: bool
) -> list[nn.Module]:
    """Stages that each double a turned image, back to `size`, widths[0] -> widths[1] -> ... channels."""
    stages = []
    for n, c_in, c_out in zip(
        pyramid(size, len(widths) - 1)[-2::-1], widths, widths[1:], strict=False
    ):
        conv = TurnedConvTranspose2d(c_in, c_out, kernel, n)
        stages += after(conv, activation, nn.BatchNorm2d(c_out) if batch_norm else None)
    return stages


class SameConv2d(nn.Conv2d):
    """Stride 2, padded as Keras's "same": half before, the odd row or column at the end; size n -> ceil(n / 2)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, size: Size):
        total = [max((-(-n // STRIDE) - 1) * STRIDE + kernel - n, 0) for n in size]
        super().__init__(c_in, c_out, kernel, STRIDE)
        top, left = (t // 2 for t in total)
        self.pad = (left, total[1] - left, top, total[0] - top)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pad))


class SameConvTranspose2d(nn.ConvTranspose2d):
    """Stride 2, cropped as Keras's "same" and then, at the end, to `size`: ceil(n / 2) -> n. With a stride of 1: n -> n.

    What it crops at the end, PyTorch's own padding crops at the start. So it works on the image turned by 180 degrees, where
    nothing has to be cut off, and only odd sizes filled up. It adds the bias itself: within the transposed convolution its
    gradient takes longer than the two others (benchmarks/README.md).
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, size: Size, stride: int = STRIDE):
        super().__init__(c_in, c_out, kernel, stride)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return turn(self.turned(turn(x)))

    def turned(self, x: Tensor) -> Tensor:
        """The same of an image that has been turned, and is to be."""
        stride, kernel = self.stride[0], self.kernel_size[0]
        end = (kernel - stride) // 2
        start = [
            (n - 1) * stride + kernel - end - wanted
            for n, wanted in zip(x.shape[-2:], self.size, strict=True)
        ]
        (high, rest_high), (wide, rest_wide) = (divmod(cut - end, stride) for cut in start)
        x = F.pad(x, (0, wide, 0, high)) if high or wide else x
        x = F.conv_transpose2d(x, turn(self.weight), None, stride, start, (rest_high, rest_wide))
        return x if self.bias is None else x.add_(self.bias.to(x.dtype)[:, None, None])


class TurnedConvTranspose2d(SameConvTranspose2d):
    """`SameConvTranspose2d` in a chain that is turned at both its ends, not between its layers."""

    forward = SameConvTranspose2d.turned


def turn(x: Tensor) -> Tensor:
    """An image, or a kernel, turned by 180 degrees."""
    return x.flip(-2, -1)


def pyramid(size: Size, depth: int) -> list[Size]:
    """The sizes that an image goes through when it is halved `depth` times, rounding up.

    >>> pyramid((37, 53), 3)
    [(37, 53), (19, 27), (10, 14), (5, 7)]
    """
    sizes = [size]
    for _ in range(depth):
        height, width = sizes[-1]
        sizes.append((-(-height // STRIDE), -(-width // STRIDE)))
    return sizes


def default_channels(size: Size) -> tuple[int, ...]:
    """32, 64, 128, ... (at most 256), as many stages as bring the shorter side to 7 or less, at least one."""
    depth = 1
    while min(pyramid(size, depth)[-1]) > 7:
        depth += 1
    return tuple(min(32 * 2**i, 256) for i in range(depth))


def channels_last(module: nn.Module) -> None:
    """The layout in which the processor's convolutions are fastest."""
    module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - missing from torch's stubs


def image_size(shape: Shape, net: str = "conv") -> Size:
    if len(shape) != 3:
        raise ConfigError(
            f"{net} takes images (channels, height, width), the data have shape {tuple(shape)}: use mlp"
        )
    return shape[1], shape[2]
