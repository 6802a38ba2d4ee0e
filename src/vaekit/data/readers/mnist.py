"""MNIST, the four original files in the package; see the NOTICE beside them."""

from pathlib import Path

from vaekit.data.dataset import Examples
from vaekit.data.raw_dataset import RawDataset
from vaekit.data.readers.arrays import rows_of
from vaekit.data.readers.idx import read_idx
from vaekit.errors import DataError

FOLDER = Path(__file__).parents[1] / "mnist"

MD5 = {  # of the decompressed content
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def read() -> RawDataset:
    """60,000 training and 10,000 test images, 28 x 28, gray, with their digits."""
    return RawDataset("mnist", _part("train"), _part("t10k"))


def _part(part: str) -> Examples:
    return rows_of(
        _file(f"{part}-images-idx3-ubyte"), _file(f"{part}-labels-idx1-ubyte"), f"mnist {part}"
    )


def _file(name: str):
    try:
        return read_idx(FOLDER / f"{name}.gz", limit_bytes=2**26, md5=MD5[name])
    except DataError as error:
        raise DataError(
            f"the package's own copy of MNIST is damaged, reinstall vaekit: {error}"
        ) from error
