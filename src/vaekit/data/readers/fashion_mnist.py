"""Fashion-MNIST: photographs of clothes in the format of MNIST."""

from pathlib import Path

import numpy as np

from vaekit.data.dataset import Examples
from vaekit.data.raw_dataset import RawDataset
from vaekit.data.readers.arrays import rows_of
from vaekit.data.readers.idx import read_idx
from vaekit.data.registry import REMOTES, checksum_error, ensure_downloaded
from vaekit.data.remote_file import RemoteFile
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


def read() -> RawDataset:
    """60,000 training and 10,000 test images, 28 x 28, gray, of ten classes."""
    files = [
        (remote, ensure_downloaded(NAME, remote)) for remote in REMOTES[NAME]
    ]  # all, before any is read
    images, labels, test_images, test_labels = (_array(remote, path) for remote, path in files)
    return RawDataset(
        NAME,
        _rows(images, labels, "train"),
        _rows(test_images, test_labels, "t10k"),
        classes=CLASSES,
    )


def _rows(images: np.ndarray, labels: np.ndarray, part: str) -> Examples:
    return rows_of(images, np.array(CLASSES)[labels], f"{NAME} {part}")


def _array(remote: RemoteFile, path: Path) -> np.ndarray:
    try:
        return read_idx(path, limit_bytes=remote.size, md5=remote.md5)
    except DataError as error:
        raise checksum_error(error) from error
