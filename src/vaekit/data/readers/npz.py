"""The arrays of .npz files, and one in the format of .npy, read without trusting them."""

import math
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vaekit.data.file_reading import LIMIT_BYTES, data_errors, fill
from vaekit.errors import DataError

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(
    file: Path | BinaryIO, where: object, *, limit_bytes: int = LIMIT_BYTES
) -> dict[str, np.ndarray]:
    """The arrays by name.

    Never unpickles; what the members declare is bounded and compared with their headers before any is decompressed.
    Raises `DataError` naming `where`.
    """
    with data_errors(where), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        declared = sum(member.file_size for member in members)
        if declared > limit_bytes:
            raise DataError(
                f"{str(where)!r} declares {declared} bytes, at most {limit_bytes} are read: use .npy files"
            )
        return {
            member.filename.removesuffix(".npy"): _read_member(archive, member, where)
            for member in members
        }


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: object) -> np.ndarray:
    with data_errors(f"{where}, array {member.filename}"), archive.open(member) as stream:
        return read_array(stream, member.file_size)  # type: ignore[arg-type]


def read_array(stream: BinaryIO, size: int) -> np.ndarray:
    """The array of a stream of `size` bytes in the format of .npy, by version 1 or 2 of it.

    Never unpickles; what the header declares is compared with the size before anything is allocated. What is wrong raises
    whatever numpy does: for `data.files.reading` to turn into one kind of error.
    """
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(
            f"format {version} is not known: save plain arrays with numpy.save or numpy.savez"
        )
    shape, fortran, dtype = _HEADERS[version](stream)
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError("it holds Python objects, which are never unpickled: save numbers or text")
    left = size - stream.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != left:
        raise ValueError(
            f"its header declares the shape {shape} of {dtype}, but {left} bytes follow"
        )
    array = np.empty(math.prod(shape), dtype)
    fill(stream, array)
    return array.reshape(shape, order="F" if fortran else "C")
