"""CIFAR-10 in its binary version: the archive, or the six files out of it.

A row of a file is a label as one byte, then the red, the green and the blue plane of 32 x 32 pixels.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vaekit.data.cache import dataset_folders
from vaekit.data.dataset import Examples
from vaekit.data.file_reading import data_errors, decompressed
from vaekit.data.raw_dataset import RawDataset
from vaekit.data.readers.arrays import rows_of
from vaekit.data.registry import REMOTES, checksum_error, ensure_downloaded, is_cached
from vaekit.errors import DataError

NAME = "cifar10"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# Taken of files made from lossless pictures (benchmarks/cifar10_from_npm.py), and equal to what others publish for the members
# of the archive. The last file is the test part.
MD5 = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}

_ROW_BYTES = 1 + 3 * 32 * 32
FILE_BYTES = 10_000 * _ROW_BYTES
ARCHIVE_BYTES = 2**28  # decompressed, at most


def read() -> RawDataset:
    """50,000 training and 10,000 test images, 32 x 32, in colour, of ten classes."""
    source = _unpacked() or ensure_downloaded(NAME, REMOTES[NAME][0])
    try:
        with data_errors(source):
            contents = _files(source) if source.is_dir() else _members(source)
            *train, test = [_batch(name, content) for name, content in contents]
    except DataError as error:
        raise checksum_error(error) from error
    return RawDataset(
        NAME, _rows(np.concatenate(train), "train"), _rows(test, "test"), classes=CLASSES
    )


def is_local() -> bool:
    """Whether nothing needs to be downloaded."""
    return _unpacked() is not None or is_cached(NAME)


def _unpacked() -> Path | None:
    """The first folder with all six files."""
    return next(
        (
            folder
            for folder in dataset_folders(NAME)
            if all((folder / name).is_file() for name in MD5)
        ),
        None,
    )


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name in MD5:
        with (folder / name).open("rb") as file:
            yield name, file.read(FILE_BYTES + 1)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The members by their known names, read in memory: what an archive says of its members reaches no file system."""
    with path.open("rb") as file:
        content = decompressed(file).read(ARCHIVE_BYTES + 1)
    if len(content) > ARCHIVE_BYTES:
        raise ValueError(f"it decompresses to more than {ARCHIVE_BYTES} bytes")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for name in MD5:
            member = archive.extractfile(f"cifar-10-batches-bin/{name}")
            yield name, member.read(FILE_BYTES + 1) if member else b""


def _batch(name: str, content: bytes) -> np.ndarray:
    """The 10,000 rows [10000, 3073] of one file, proven."""
    if len(content) != FILE_BYTES:
        many = "more" if len(content) > FILE_BYTES else len(content)
        raise ValueError(f"{name} has {many} bytes, {FILE_BYTES} are needed")
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != MD5[name]:
        raise ValueError(f"the md5 of {name} is not {MD5[name]}")
    return np.frombuffer(content, np.uint8).reshape(-1, _ROW_BYTES)


def _rows(batch: np.ndarray, part: str) -> Examples:
    images = np.ascontiguousarray(batch[:, 1:]).reshape(-1, 3, 32, 32)
    return rows_of(images, np.array(CLASSES)[batch[:, 0]], f"{NAME} {part}")
