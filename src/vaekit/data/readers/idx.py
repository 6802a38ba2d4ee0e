"""IDX, the format of MNIST and its successors, plain or gzipped.

A header of two zero bytes, one for the type, one for the number of dimensions, and each dimension as a big-endian
32-bit number; then the values, big-endian, last dimension fastest.
"""

import hashlib
import math
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vaekit.data.dataset import Examples
from vaekit.data.file_reading import LIMIT_BYTES, data_errors, decompressed, fill
from vaekit.data.raw_dataset import RawDataset, dataset_name
from vaekit.data.readers.arrays import rows_of

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_TRAIN = "train-images-idx3-ubyte"


def read_idx(
    path: Path | str, *, limit_bytes: int = LIMIT_BYTES, md5: str | None = None
) -> np.ndarray:
    """The array of one IDX file, in this machine's byte order.

    What the header declares is bounded by `limit_bytes` before anything else is read, and nothing beyond it is
    decompressed. With `md5`, the decompressed bytes must have that digest. Raises `DataError` naming the file.
    """
    path = Path(path)
    with data_errors(path), path.open("rb") as file:
        return _read(decompressed(file), limit_bytes, md5)


def _read(stream: BinaryIO, limit_bytes: int, md5: str | None) -> np.ndarray:
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES or not start[3]:
        raise ValueError(
            f"it starts with the bytes {start.hex(' ')}, IDX starts with 00 00, a type and a number of dimensions"
        )
    sizes = stream.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise ValueError(f"it is truncated within the {start[3]} dimensions of its header")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    dtype = np.dtype(_TYPES[start[2]])
    declared = math.prod(shape) * dtype.itemsize
    if declared > limit_bytes:
        raise ValueError(f"it declares {declared} bytes, at most {limit_bytes} are read")
    array = np.empty(math.prod(shape), dtype)
    fill(stream, array)
    if (
        md5
        and hashlib.md5(start + sizes + array.tobytes(), usedforsecurity=False).hexdigest() != md5
    ):
        raise ValueError(f"the md5 of its content is not {md5}")
    return array.reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def idx_file(path: Path) -> RawDataset:
    """An IDX file of rows, with the labels and the test part that lie beside it under the usual names."""
    test = _beside(path, "train", "t10k") or _beside(path, "train", "test")
    return RawDataset(dataset_name(path.stem), _rows(path), _rows(test) if test else None)


def in_folder(folder: Path) -> Path | None:
    """The training images among the four usual files, where the folder holds them."""
    return next(
        (path for path in (folder / _TRAIN, folder / f"{_TRAIN}.gz") if path.is_file()), None
    )


def _rows(path: Path) -> Examples:
    labels = _beside(path, "images", "labels")
    return rows_of(read_idx(path), read_idx(labels) if labels else None, str(path))


def _beside(path: Path, word: str, other: str) -> Path | None:
    """The file named like `path` with `other` for `word`, gzipped or not."""
    name = path.name.replace(word, other).removesuffix(".gz")
    if word not in path.name:
        return None
    if other == "labels":
        name = name.replace("idx3", "idx1")
    return next(
        (p for p in (path.with_name(name), path.with_name(f"{name}.gz")) if p.is_file()), None
    )
