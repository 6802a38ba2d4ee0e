"""Inception v3 as Fréchet distances in the literature use it, with weights from the user's file."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.data.file_reading import reason, shown_path
from vaekit.data.readers.npz import open_archive
from vaekit.errors import DataError
from vaekit.files.regular import read_regular

INPUT_SIDE = 299
FEATURE_COUNT = 2048
MAX_FILE_BYTES = 2**28


class Inception(nn.Module):
    """The 2,048 averages of the last feature map of Inception v3.

    Names and pooling follow the port of the original weights to PyTorch
    (pt_inception-2015-12-05-6726825d.pth): average pooling ignores padding, and the last block
    pools by the maximum. Images are resized bilinearly to 299 x 299 and scaled to [-1, 1].

    References:
        Szegedy et al., 2016 (the network); Heusel et al., 2017 (the weights).

    >>> Inception().eval()(torch.rand(1, 1, 28, 28)).shape
    torch.Size([1, 2048])
    """

    name = f"{FEATURE_COUNT:,} features of Inception v3"
    width = FEATURE_COUNT
    max_batch_examples = 32
    """The activations of one image take 12 MB."""

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3 = ConvLayer(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvLayer(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvLayer(32, 64, 3, pad=1)
        self.Conv2d_3b_1x1 = ConvLayer(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvLayer(80, 192, 3)
        self.Mixed_5b = InceptionA(192, 32)
        self.Mixed_5c = InceptionA(256, 64)
        self.Mixed_5d = InceptionA(288, 64)
        self.Mixed_6a = InceptionB()
        self.Mixed_6b = InceptionC(128)
        self.Mixed_6c = InceptionC(160)
        self.Mixed_6d = InceptionC(160)
        self.Mixed_6e = InceptionC(192)
        self.Mixed_7a = InceptionD()
        self.Mixed_7b = InceptionE(1280, average_pool)
        self.Mixed_7c = InceptionE(FEATURE_COUNT, max_pool)

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, 2048] of images [B, 1 or 3, H, W] in [0, 1]."""
        x = x.expand(-1, 3, -1, -1)
        x = F.interpolate(x, (INPUT_SIDE, INPUT_SIDE), mode="bilinear", align_corners=False)
        x = x * 2 - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = max_pool_stride_2(x)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))
        x = max_pool_stride_2(x)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
        return x.mean((2, 3))


class ConvLayer(nn.Module):
    """Convolution, batch normalization, ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        pad: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, pad, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """The activation of x."""
        return F.relu(self.bn(self.conv(x)))


def conv_1xn(in_channels: int, out_channels: int, width: int) -> ConvLayer:
    """A layer with a kernel of one row."""
    return ConvLayer(in_channels, out_channels, (1, width), pad=(0, width // 2))


def conv_nx1(in_channels: int, out_channels: int, height: int) -> ConvLayer:
    """A layer with a kernel of one column."""
    return ConvLayer(in_channels, out_channels, (height, 1), pad=(height // 2, 0))


def average_pool(x: Tensor) -> Tensor:
    """Averages of 3 x 3 windows, without padding."""
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def max_pool(x: Tensor) -> Tensor:
    """Maxima of 3 x 3 windows."""
    return F.max_pool2d(x, 3, 1, 1)


def max_pool_stride_2(x: Tensor) -> Tensor:
    """Maxima of every second 3 x 3 window."""
    return F.max_pool2d(x, 3, 2)


class InceptionA(nn.Module):
    """The block at 35 x 35."""

    def __init__(self, in_channels: int, pooled_channels: int):
        super().__init__()
        self.branch1x1 = ConvLayer(in_channels, 64, 1)
        self.branch5x5_1 = ConvLayer(in_channels, 48, 1)
        self.branch5x5_2 = ConvLayer(48, 64, 5, pad=2)
        self.branch3x3dbl_1 = ConvLayer(in_channels, 64, 1)
        self.branch3x3dbl_2 = ConvLayer(64, 96, 3, pad=1)
        self.branch3x3dbl_3 = ConvLayer(96, 96, 3, pad=1)
        self.branch_pool = ConvLayer(in_channels, pooled_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Four branches, concatenated over channels."""
        branch5x5 = self.branch5x5_2(self.branch5x5_1(x))
        branch3x3dbl = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        branch_pool = self.branch_pool(average_pool(x))
        return torch.cat([self.branch1x1(x), branch5x5, branch3x3dbl, branch_pool], 1)


class InceptionB(nn.Module):
    """The block from 35 x 35 to 17 x 17."""

    def __init__(self):
        super().__init__()
        self.branch3x3 = ConvLayer(288, 384, 3, stride=2)
        self.branch3x3dbl_1 = ConvLayer(288, 64, 1)
        self.branch3x3dbl_2 = ConvLayer(64, 96, 3, pad=1)
        self.branch3x3dbl_3 = ConvLayer(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Three branches, concatenated over channels."""
        branch3x3dbl = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), branch3x3dbl, max_pool_stride_2(x)], 1)


class InceptionC(nn.Module):
    """The block at 17 x 17."""

    def __init__(self, inner_channels: int):
        super().__init__()
        inner = inner_channels
        self.branch1x1 = ConvLayer(768, 192, 1)
        self.branch7x7_1 = ConvLayer(768, inner, 1)
        self.branch7x7_2 = conv_1xn(inner, inner, 7)
        self.branch7x7_3 = conv_nx1(inner, 192, 7)
        self.branch7x7dbl_1 = ConvLayer(768, inner, 1)
        self.branch7x7dbl_2 = conv_nx1(inner, inner, 7)
        self.branch7x7dbl_3 = conv_1xn(inner, inner, 7)
        self.branch7x7dbl_4 = conv_nx1(inner, inner, 7)
        self.branch7x7dbl_5 = conv_1xn(inner, 192, 7)
        self.branch_pool = ConvLayer(768, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Four branches, concatenated over channels."""
        branch7x7 = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        branch7x7dbl = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        branch7x7dbl = self.branch7x7dbl_5(self.branch7x7dbl_4(branch7x7dbl))
        branch_pool = self.branch_pool(average_pool(x))
        return torch.cat([self.branch1x1(x), branch7x7, branch7x7dbl, branch_pool], 1)


class InceptionD(nn.Module):
    """The block from 17 x 17 to 8 x 8."""

    def __init__(self):
        super().__init__()
        self.branch3x3_1 = ConvLayer(768, 192, 1)
        self.branch3x3_2 = ConvLayer(192, 320, 3, stride=2)
        self.branch7x7x3_1 = ConvLayer(768, 192, 1)
        self.branch7x7x3_2 = conv_1xn(192, 192, 7)
        self.branch7x7x3_3 = conv_nx1(192, 192, 7)
        self.branch7x7x3_4 = ConvLayer(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Three branches, concatenated over channels."""
        branch3x3 = self.branch3x3_2(self.branch3x3_1(x))
        branch7x7x3 = self.branch7x7x3_2(self.branch7x7x3_1(x))
        branch7x7x3 = self.branch7x7x3_4(self.branch7x7x3_3(branch7x7x3))
        return torch.cat([branch3x3, branch7x7x3, max_pool_stride_2(x)], 1)


class InceptionE(nn.Module):
    """The block at 8 x 8."""

    def __init__(self, in_channels: int, pool: Callable[[Tensor], Tensor]):
        super().__init__()
        self.pool = pool
        self.branch1x1 = ConvLayer(in_channels, 320, 1)
        self.branch3x3_1 = ConvLayer(in_channels, 384, 1)
        self.branch3x3_2a = conv_1xn(384, 384, 3)
        self.branch3x3_2b = conv_nx1(384, 384, 3)
        self.branch3x3dbl_1 = ConvLayer(in_channels, 448, 1)
        self.branch3x3dbl_2 = ConvLayer(448, 384, 3, pad=1)
        self.branch3x3dbl_3a = conv_1xn(384, 384, 3)
        self.branch3x3dbl_3b = conv_nx1(384, 384, 3)
        self.branch_pool = ConvLayer(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Six branches, concatenated over channels."""
        branch3x3 = self.branch3x3_1(x)
        branch3x3dbl = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        branches = [
            self.branch1x1(x),
            self.branch3x3_2a(branch3x3),
            self.branch3x3_2b(branch3x3),
            self.branch3x3dbl_3a(branch3x3dbl),
            self.branch3x3dbl_3b(branch3x3dbl),
            self.branch_pool(self.pool(x)),
        ]
        return torch.cat(branches, 1)


def load_inception(path: str | os.PathLike) -> Inception:
    """Load the network with weights from a file.

    Args:
        path: A file of PyTorch, which is read without executing anything in it, or .safetensors.

    Returns:
        The network, in evaluation mode.

    Raises:
        DataError: The file is missing, too large, damaged, or of another network.
    """
    path = Path(path)
    weights = _read_weights(path)
    network = Inception()
    state = network.state_dict()
    for name, value in state.items():
        if name in weights and weights[name].shape == value.shape:
            state[name] = weights[name]
        elif not name.endswith("num_batches_tracked"):
            raise _weights_error(
                f"{path} does not hold the weights of Inception v3 under the names of its port to "
                f"PyTorch: {name} is missing or has another shape"
            )
    network.load_state_dict(state)
    return network.eval()


def _read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name; DataError if the file is too large or holds anything else."""
    try:
        content = read_regular(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        problem = f"cannot read {shown_path(path)}: {reason(error)}"
        raise _weights_error(problem) from None
    weights = _parse_weights(path, content)
    is_mapping = isinstance(weights, dict)
    if not is_mapping or not all(_is_named_tensor(*item) for item in weights.items()):
        raise _weights_error(f"{path} holds no weights: expected tensors by name")
    return weights


def _is_named_tensor(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor)


def _parse_weights(path: Path, content: bytes) -> object:
    from safetensors.torch import load

    try:
        if path.suffix == ".safetensors":
            return load(content)
        _check_decompressed(content)
        return torch.load(io.BytesIO(content), "cpu", weights_only=True)
    except Exception:  # PyTorch's own message advises to trust the file
        raise _weights_error(f"{path} is damaged, or not a file of weights") from None


def _check_decompressed(content: bytes) -> None:
    """ValueError for an archive whose members declare more bytes than a file of weights has."""
    file = io.BytesIO(content)
    if not zipfile.is_zipfile(file):
        return
    with open_archive(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_FILE_BYTES:
        raise ValueError(f"its members have {size:,} bytes")


def _weights_error(problem: str) -> DataError:
    return DataError(f"{problem}. Download the weights again.", parameter="features")
