"""Arrays in the formats .npy and .npz, read without trusting them."""

import io
import math
import os
import warnings
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, cast

import numpy as np

from vaekit.data.bounds import (
    MAX_ARRAY_HEADER_BYTES,
    MAX_ARRAYS,
    MAX_BYTES_VARIABLE,
    check_data_bytes,
    max_data_bytes,
)
from vaekit.data.file_reading import data_errors, fill, read_exactly
from vaekit.data.readers.mapped_array import MappedArray
from vaekit.errors import DataError, shown
from vaekit.files.regular import open_regular

COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
"""Compressions whose memory is small, whatever a file declares."""
MAX_DIRECTORY_BYTES = 2**20
"""Bytes of the list of the members of an archive."""

LENGTH_BYTES = {(1, 0): 2, (2, 0): 4}
"""Bytes of the length of the header by format version."""
HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(
    file: Path | BinaryIO, name: object, *, limit_bytes: int | None = None
) -> dict[str, np.ndarray]:
    """The arrays of an .npz file by name, never unpickled.

    Args:
        file: The file, or its path.
        name: What messages call it.
        limit_bytes: The most bytes that its members may declare; checked, like their headers,
            before any is decompressed. Default `max_data_bytes`.

    Raises:
        DataError: The file is damaged, too large, or contains Python objects.
    """
    with data_errors(name), ExitStack() as stack:
        stream = stack.enter_context(open_regular(file)) if isinstance(file, Path) else file
        archive = stack.enter_context(open_archive(stream))
        members = archive.infolist()
        _check_members(members, name, max_data_bytes() if limit_bytes is None else limit_bytes)
        return {
            member.filename.removesuffix(".npy"): _read_member(archive, member, name)
            for member in members
        }


def open_archive(stream: BinaryIO) -> zipfile.ZipFile:
    """An archive whose list of members is of bounded size."""
    bounded = _BoundedReads(stream, MAX_DIRECTORY_BYTES)
    archive = zipfile.ZipFile(cast(BinaryIO, bounded))
    bounded.limit = None
    return archive


class _BoundedReads:
    """A file that reads no more at once than a limit, where zipfile would read a whole list."""

    def __init__(self, file: BinaryIO, limit: int | None):
        self.file = file
        self.limit = limit
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Some bytes; ValueError if they are more than the limit."""
        if self.limit is None:
            return self.file.read(size)
        content = self.file.read(self.limit + 1 if size < 0 else min(size, self.limit + 1))
        if len(content) > self.limit:
            raise ValueError(f"its list of members has more than {self.limit:,} bytes")
        return content


def _check_members(members: list[zipfile.ZipInfo], name: object, limit_bytes: int) -> None:
    if len(members) > MAX_ARRAYS:
        raise ValueError(f"it has {len(members):,} arrays, expected at most {MAX_ARRAYS:,}")
    for member in members:
        if member.compress_type not in COMPRESSIONS:
            raise ValueError(
                f"the compression of {member.filename} is unknown, save it with numpy.savez"
            )
    declared = sum(member.file_size for member in members)
    if declared > limit_bytes:
        raise DataError(
            f"{str(name)!r} is too large: got {declared:,} bytes decompressed, "
            f"expected at most {limit_bytes:,}. "
            f"Use .npy files, or set {MAX_BYTES_VARIABLE} to allow more."
        )


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
    header = read_header(stream)
    remaining = size - stream.tell()
    if header.size_bytes != remaining:
        raise ValueError(
            f"its header declares the shape {header.shape} of {header.dtype}, "
            f"but {remaining} bytes follow"
        )
    array = np.empty(math.prod(header.shape), header.dtype)
    fill(stream, array)
    return array.reshape(header.shape, order=header.order)


class ArrayHeader(NamedTuple):
    """The header of an array in the .npy format."""

    shape: tuple[int, ...]
    dtype: np.dtype
    order: Literal["C", "F"]

    @property
    def size_bytes(self) -> int:
        """The bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: BinaryIO) -> ArrayHeader:
    """The header of an array in the .npy format, version 1 or 2; the values follow.

    Raises:
        ValueError: The header is damaged, too long, or declares Python objects; on hostile bytes
            NumPy raises errors of other types as well.
    """
    version = np.lib.format.read_magic(stream)
    if version not in HEADER_READERS:
        raise ValueError(
            f"unknown format version {version}, save plain arrays with numpy.save or numpy.savez"
        )
    start = read_exactly(stream, LENGTH_BYTES[version])
    length = int.from_bytes(start, "little")
    if length > MAX_ARRAY_HEADER_BYTES:
        raise ValueError(
            f"its header has {length:,} bytes, expected at most {MAX_ARRAY_HEADER_BYTES:,}"
        )
    text = io.BytesIO(start + read_exactly(stream, length))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about files of Python 2
        shape, is_fortran_order, dtype = HEADER_READERS[version](text)
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError("it contains Python objects, which are never unpickled")
    if min(shape, default=0) < 0:
        raise ValueError(f"its header declares the shape {shape}")
    return ArrayHeader(shape, dtype, "F" if is_fortran_order else "C")


def read_npy(path: Path, parameter: str | None = None) -> np.ndarray:
    """The array of an .npy file, in memory, never unpickled.

    Args:
        path: The file.
        parameter: The parameter that it was passed as.

    Raises:
        DataError: The file is missing, damaged or too large.
    """
    with data_errors(path, parameter), open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        check_data_bytes(size, repr(str(path)), parameter=parameter)
        return read_array(file, size)


def map_npy(path: Path) -> MappedArray:
    """The array of an .npy file, memory-mapped and read-only, never unpickled.

    Raises:
        DataError: The file is missing or damaged.
    """
    with data_errors(path), open_regular(path) as file:
        header = read_header(file)
        declared = math.prod(header.shape) * header.dtype.itemsize
        available = os.fstat(file.fileno()).st_size - file.tell()
        if declared > available:
            raise ValueError(
                f"the content is truncated: got {available:,} of {shown(declared)} bytes"
            )
        return MappedArray.of_file(file, path, header.dtype, header.shape, header.order)
