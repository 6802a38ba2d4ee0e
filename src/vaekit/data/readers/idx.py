"""IDX, the format of MNIST and its successors, plain or gzipped.

A header of two zero bytes, one byte for the type, one for the number of dimensions, and each
dimension as a big-endian 32-bit number; then the values, big-endian, last dimension fastest.
"""

import hashlib
import math
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vaekit.data.bounds import MAX_BYTES_VARIABLE, max_data_bytes
from vaekit.data.building import build_dataset, raw_examples
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import data_errors, decompressed, fill
from vaekit.data.support import Support
from vaekit.files.regular import open_regular

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
TRAINING_IMAGES = "train-images-idx3-ubyte"


def read_idx(
    path: Path | str, *, limit_bytes: int | None = None, md5: str | None = None
) -> np.ndarray:
    """The array of one IDX file, in the byte order of this machine.

    Args:
        path: The file.
        limit_bytes: The most bytes that its header may declare, checked before anything else is
            read; nothing beyond them is decompressed. Default `max_data_bytes`.
        md5: The MD5 that the decompressed content must have.

    Raises:
        DataError: The file is missing, damaged, or another one than the checksum says.
    """
    path = Path(path)
    with data_errors(path), open_regular(path) as file:
        limit = max_data_bytes() if limit_bytes is None else limit_bytes
        return _read_array(decompressed(file), limit, md5)


def _read_array(stream: BinaryIO, limit_bytes: int, md5: str | None) -> np.ndarray:
    start, sizes = _read_header(stream)
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    dtype = np.dtype(TYPES[start[2]])
    declared = math.prod(shape) * dtype.itemsize
    if declared > limit_bytes:
        raise ValueError(
            f"it declares {declared:,} bytes, expected at most {limit_bytes:,} "
            f"({MAX_BYTES_VARIABLE})"
        )

    array = np.empty(math.prod(shape), dtype)
    fill(stream, array)
    if md5 is not None:
        _check_md5(start + sizes + array.tobytes(), md5)
    return array.reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_header(stream: BinaryIO) -> tuple[bytes, bytes]:
    """The first four bytes, and the bytes of the dimensions."""
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES or not start[3]:
        raise ValueError(
            f"it is no IDX file: got the first bytes '{start.hex(' ')}', "
            "expected 00 00, a type and a number of dimensions"
        )
    sizes = stream.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise ValueError(f"it is truncated within the {start[3]} dimensions of its header")
    return start, sizes


def _check_md5(content: bytes, md5: str) -> None:
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise ValueError(f"the MD5 of its content is not {md5}")


def read_idx_file(
    path: Path, support: Support | None = None, *, name: str | None = None
) -> Dataset:
    """The examples of an IDX file, with labels and test part from the other files if the names are
    as in MNIST.

    Args:
        path: The file.
        support: The support of the examples; default `Support.of` them.
        name: The name of the dataset; default that of the file.
    """
    test = _sibling(path, "train", "t10k") or _sibling(path, "train", "test")
    limit = max_data_bytes()
    test_examples = None if test is None else _read_examples(test, limit)
    if test_examples is not None:
        limit -= test_examples.x.nbytes
    return build_dataset(name or path.stem, _read_examples(path, limit), test_examples, support)


def find_training_images(folder: Path) -> Path | None:
    """The training images of a folder that has the four files of MNIST."""
    for path in (folder / TRAINING_IMAGES, folder / f"{TRAINING_IMAGES}.gz"):
        if _is_file(path):
            return path
    return None


def _read_examples(path: Path, limit_bytes: int) -> Examples:
    labels = _sibling(path, "images", "labels")
    x = read_idx(path, limit_bytes=limit_bytes)
    y = None if labels is None else read_idx(labels, limit_bytes=limit_bytes - x.nbytes)
    return raw_examples(x, y, str(path))


def _sibling(path: Path, word: str, replacement: str) -> Path | None:
    """The file in the same folder whose name has one word replaced, gzipped or not."""
    if word not in path.name:
        return None
    name = path.name.replace(word, replacement).removesuffix(".gz")
    if replacement == "labels":
        name = name.replace("idx3", "idx1")
    for sibling in (path.with_name(name), path.with_name(f"{name}.gz")):
        if _is_file(sibling):
            return sibling
    return None


def _is_file(path: Path) -> bool:
    """Whether there is something other than a folder, which may be refused when it is opened."""
    return path.exists() and not path.is_dir()
