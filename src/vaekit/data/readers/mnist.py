"""MNIST: the four original files, which come with the package; see the NOTICE in their folder."""

from pathlib import Path

import numpy as np

from vaekit.data.building import build_dataset, raw_examples
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.readers.idx import read_idx
from vaekit.data.support import Support
from vaekit.errors import DataError

NAME = "mnist"
FOLDER = Path(__file__).parents[1] / "mnist"
MAX_FILE_BYTES = 2**26

MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""Checksums of the decompressed files."""


def read(support: Support | None = None) -> Dataset:
    """60,000 training and 10,000 test images, 28 x 28, gray, labeled with their digits."""
    return build_dataset(NAME, _read_part("train"), _read_part("t10k"), support)


def _read_part(part: str) -> Examples:
    images = _read_file(f"{part}-images-idx3-ubyte")
    labels = _read_file(f"{part}-labels-idx1-ubyte")
    return raw_examples(images, labels, f"{NAME} {part}")


def _read_file(name: str) -> np.ndarray:
    try:
        return read_idx(FOLDER / f"{name}.gz", limit_bytes=MAX_FILE_BYTES, md5=MD5[name])
    except DataError as error:
        raise DataError(f"{error} Reinstall vaekit, which contains MNIST.") from error
