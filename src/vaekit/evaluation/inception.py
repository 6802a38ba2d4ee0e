"""Inception v3 as the Frechet distance of the literature uses it, with weights from a file of the user's own."""

import os
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.errors import DataError

SIDE, WIDTH, MOST_BYTES = 299, 2048, 2**28
UNUSED = ("fc.", "AuxLogits.")


class Inception(nn.Module):
    """The 2,048 averages of Inception v3's last map (Szegedy et al., 2016), of images [B, 1 or 3, H, W] in [0, 1].

    Names and pooling are those of the port of the original weights of Heusel et al. (2017) to PyTorch
    (pt_inception-2015-12-05-6726825d.pth): no pooling counts padding, the last block takes the largest. Images are resized to
    299 x 299 bilinearly and scaled to [-1, 1].
    """

    name, width = f"{WIDTH:,} features of Inception v3", WIDTH
    max_batch_examples = 32  # an image takes 12 MB on its way

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3 = Layer(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Layer(32, 32, 3)
        self.Conv2d_2b_3x3 = Layer(32, 64, 3, pad=1)
        self.Conv2d_3b_1x1 = Layer(64, 80, 1)
        self.Conv2d_4a_3x3 = Layer(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = (
            InceptionA(192, 32),
            InceptionA(256, 64),
            InceptionA(288, 64),
        )
        self.Mixed_6a = InceptionB()
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = (
            InceptionC(128),
            InceptionC(160),
            InceptionC(160),
            InceptionC(192),
        )
        self.Mixed_7a = InceptionD()
        self.Mixed_7b, self.Mixed_7c = InceptionE(1280, average_pool), InceptionE(WIDTH, max_pool)

    def forward(self, x: Tensor) -> Tensor:
        x = (
            F.interpolate(
                x.expand(-1, 3, -1, -1), (SIDE, SIDE), mode="bilinear", align_corners=False
            )
            * 2
            - 1
        )
        x = max_pool_stride_2(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = max_pool_stride_2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        for name, block in self.named_children():
            x = block(x) if name.startswith("Mixed") else x
        return x.mean((2, 3))


class Layer(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        pad: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, pad, bias=False)
        self.bn = nn.BatchNorm2d(c_out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def conv_1xn(c_in: int, c_out: int, width: int) -> Layer:
    return Layer(c_in, c_out, (1, width), pad=(0, width // 2))


def conv_nx1(c_in: int, c_out: int, height: int) -> Layer:
    return Layer(c_in, c_out, (height, 1), pad=(height // 2, 0))


def average_pool(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def max_pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 1, 1)


def max_pool_stride_2(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, 2)


class InceptionA(nn.Module):
    """35 x 35."""

    def __init__(self, c_in: int, pooled: int):
        super().__init__()
        self.branch1x1 = Layer(c_in, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = Layer(c_in, 48, 1), Layer(48, 64, 5, pad=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Layer(c_in, 64, 1), Layer(64, 96, 3, pad=1)
        self.branch3x3dbl_3 = Layer(96, 96, 3, pad=1)
        self.branch_pool = Layer(c_in, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(average_pool(x))], 1)


class InceptionB(nn.Module):
    """35 x 35 to 17 x 17."""

    def __init__(self):
        super().__init__()
        self.branch3x3 = Layer(288, 384, 3, stride=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Layer(288, 64, 1), Layer(64, 96, 3, pad=1)
        self.branch3x3dbl_3 = Layer(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), three, max_pool_stride_2(x)], 1)


class InceptionC(nn.Module):
    """17 x 17."""

    def __init__(self, inner: int):
        super().__init__()
        self.branch1x1 = Layer(768, 192, 1)
        self.branch7x7_1, self.branch7x7_2 = Layer(768, inner, 1), conv_1xn(inner, inner, 7)
        self.branch7x7_3 = conv_nx1(inner, 192, 7)
        self.branch7x7dbl_1, self.branch7x7dbl_2 = Layer(768, inner, 1), conv_nx1(inner, inner, 7)
        self.branch7x7dbl_3, self.branch7x7dbl_4 = (
            conv_1xn(inner, inner, 7),
            conv_nx1(inner, inner, 7),
        )
        self.branch7x7dbl_5 = conv_1xn(inner, 192, 7)
        self.branch_pool = Layer(768, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(x), seven, twice, self.branch_pool(average_pool(x))], 1)


class InceptionD(nn.Module):
    """17 x 17 to 8 x 8."""

    def __init__(self):
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Layer(768, 192, 1), Layer(192, 320, 3, stride=2)
        self.branch7x7x3_1, self.branch7x7x3_2 = Layer(768, 192, 1), conv_1xn(192, 192, 7)
        self.branch7x7x3_3, self.branch7x7x3_4 = conv_nx1(192, 192, 7), Layer(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, max_pool_stride_2(x)], 1)


class InceptionE(nn.Module):
    """8 x 8."""

    def __init__(self, c_in: int, pool: Callable[[Tensor], Tensor]):
        super().__init__()
        self.pool = pool
        self.branch1x1 = Layer(c_in, 320, 1)
        self.branch3x3_1, self.branch3x3_2a, self.branch3x3_2b = (
            Layer(c_in, 384, 1),
            conv_1xn(384, 384, 3),
            conv_nx1(384, 384, 3),
        )
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Layer(c_in, 448, 1), Layer(448, 384, 3, pad=1)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = conv_1xn(384, 384, 3), conv_nx1(384, 384, 3)
        self.branch_pool = Layer(c_in, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        three, twice = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        split = [
            self.branch3x3_2a(three),
            self.branch3x3_2b(three),
            self.branch3x3dbl_3a(twice),
            self.branch3x3dbl_3b(twice),
        ]
        return torch.cat([self.branch1x1(x), *split, self.branch_pool(self.pool(x))], 1)


def load_inception(path: str | os.PathLike) -> Inception:
    """The network with the weights of a file: PyTorch's format, read without executing anything in it, or .safetensors.

    Raises DataError where the file is missing, too large, damaged, or of another network.
    """
    place = Path(path)
    try:
        size = place.stat().st_size
        if size > MOST_BYTES:
            raise DataError(
                f"{place} has {size:,} bytes, Inception v3 about 100 million: give its weights"
            )
        weights = _read(place)
    except OSError as error:
        raise DataError(f"{place} cannot be read: {error.strerror}") from None
    network = Inception()
    own = network.state_dict()
    given = {name: value for name, value in weights.items() if not name.startswith(UNUSED)}
    counts = {name: value for name, value in own.items() if name.endswith("num_batches_tracked")}
    for name, value in own.items():
        if name not in counts and (name not in given or given[name].shape != value.shape):
            raise DataError(
                f"{place} is not Inception v3 with the names of PyTorch's port: {name} is missing or of another shape"
            )
    network.load_state_dict(counts | {name: value for name, value in given.items() if name in own})
    return network.eval()


def _read(place: Path) -> dict[str, Tensor]:
    """Tensors by name; DataError where the file holds anything else."""
    from safetensors.torch import load_file

    try:
        found = (
            load_file(place)
            if place.suffix == ".safetensors"
            else torch.load(place, "cpu", weights_only=True)
        )
    except OSError:
        raise
    except Exception:  # what torch says, it says to programmers, and advises to trust the file
        raise DataError(f"{place} is damaged, or no file of weights") from None
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(v, Tensor) for name, v in found.items()
    ):
        raise DataError(f"{place} is no file of weights: it must hold tensors by name")
    return found
