"""Arrays in the formats .npy and .npz, read without trusting them."""

import math
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vaekit.data.file_reading import MAX_FILE_BYTES, data_errors, fill
from vaekit.errors import DataError

HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(
    file: Path | BinaryIO, name: object, *, limit_bytes: int = MAX_FILE_BYTES
) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, never unpickled.

    Args:
        file: The file, or its path.
        name: What messages call it.
        limit_bytes: The most bytes that its members may declare; checked, like their headers,
            before any is decompressed.

    Raises:
        DataError: The file is damaged, too large, or contains Python objects.
    """
    with data_errors(name), zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        declared = sum(member.file_size for member in members)
        if declared > limit_bytes:
            raise DataError(
                f"{str(name)!r} is too large: got {declared} bytes, "
                f"expected at most {limit_bytes}. Use .npy files."
            )
        return {
            member.filename.removesuffix(".npy"): _read_member(archive, member, name)
            for member in members
        }


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: object) -> np.ndarray:
    with data_errors(f"{name}, array {member.filename}"), archive.open(member) as stream:
        return read_array(stream, member.file_size)  # type: ignore[arg-type]


def read_array(stream: BinaryIO, size: int) -> np.ndarray:
    """The array of a stream in the .npy format, version 1 or 2, never unpickled.

    Call it within `data_errors`: on damaged content NumPy raises errors of many types.

    Args:
        stream: The stream.
        size: Its number of bytes, with which the header is compared before memory is allocated.
    """
    version = np.lib.format.read_magic(stream)
    if version not in HEADER_READERS:
        raise ValueError(
            f"unknown format version {version}, save plain arrays with numpy.save or numpy.savez"
        )
    shape, is_fortran_order, dtype = HEADER_READERS[version](stream)
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError("it contains Python objects, which are never unpickled")
    remaining = size - stream.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != remaining:
        raise ValueError(
            f"its header declares the shape {shape} of {dtype}, but {remaining} bytes follow"
        )
    array = np.empty(math.prod(shape), dtype)
    fill(stream, array)
    return array.reshape(shape, order="F" if is_fortran_order else "C")
