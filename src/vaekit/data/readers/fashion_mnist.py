"""Fashion-MNIST: photographs of clothes in the format of MNIST (Xiao et al., 2017)."""

from pathlib import Path

import numpy as np

from vaekit.data.building import build_dataset, raw_examples
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.readers.idx import read_idx
from vaekit.data.remote_file import RemoteFile, checksum_error, ensure_downloaded, is_cached
from vaekit.data.support import Support
from vaekit.errors import DataError

NAME = "fashion-mnist"
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)


def _remote(name: str, md5: str, size: int) -> RemoteFile:
    """A file by its checksum and size when decompressed."""
    return RemoteFile(
        name=f"{name}.gz",
        md5=md5,
        size=size,
        addresses=tuple(f"{mirror}{name}.gz" for mirror in MIRRORS),
    )


FILES: tuple[RemoteFile, ...] = (
    _remote("train-images-idx3-ubyte", "f4a8712d7a061bf5bd6d2ca38dc4d50a", 47_040_016),
    _remote("train-labels-idx1-ubyte", "9018921c3c673c538a1fc5bad174d6f9", 60_008),
    _remote("t10k-images-idx3-ubyte", "8181f5470baa50b63fa0f6fddb340f0a", 7_840_016),
    _remote("t10k-labels-idx1-ubyte", "15d484375f8d13e6eb1aabb0c3f46965", 10_008),
)


def read(support: Support | None = None) -> Dataset:
    """60,000 training and 10,000 test images, 28 x 28, gray, of ten classes."""
    paths = ensure_downloaded(NAME, FILES)  # all files before any is read
    arrays = [_read_file(file, path) for file, path in zip(FILES, paths, strict=True)]
    images, labels, test_images, test_labels = arrays
    train = _examples(images, labels, "train")
    test = _examples(test_images, test_labels, "t10k")
    return build_dataset(NAME, train, test, support, CLASSES)


def is_local() -> bool:
    """Whether nothing needs to be downloaded."""
    return is_cached(NAME, FILES)


def _examples(images: np.ndarray, labels: np.ndarray, part: str) -> Examples:
    return raw_examples(images, np.array(CLASSES)[labels], f"{NAME} {part}")


def _read_file(file: RemoteFile, path: Path) -> np.ndarray:
    try:
        return read_idx(path, limit_bytes=file.size, md5=file.md5)
    except DataError as error:
        raise checksum_error(error) from error
