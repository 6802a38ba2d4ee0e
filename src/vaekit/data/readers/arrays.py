"""Arrays in memory, in .npy and in .npz files."""

from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.dataset import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.raw_dataset import RawDataset, channels_first, dataset_name
from vaekit.data.readers.npz import read_npz
from vaekit.errors import DataError

_ROLES = {
    "x": "x",
    "x_train": "x",
    "y": "y",
    "y_train": "y",
    "labels": "y",
    "x_test": "x_test",
    "y_test": "y_test",
}


def rows_of(x: Any, y: Any, where: str) -> Examples:
    """Rows from what numpy can take as arrays; a memory map stays one."""
    with data_errors(where):
        x = x if isinstance(x, np.memmap) else np.asarray(x)
        return Examples(channels_first(x, repr(where)), None if y is None else np.asarray(y))


def in_memory(x: Any, y: Any = None) -> RawDataset:
    """Arrays that the caller holds."""
    return RawDataset("array", rows_of(x, y, "array"))


def npy_file(path: Path) -> RawDataset:
    """Unlabelled rows of an .npy file, memory-mapped and read-only; Python objects are refused."""
    with data_errors(path):
        x = np.lib.format.open_memmap(path, mode="r")
    return RawDataset(dataset_name(path.stem), rows_of(x, None, str(path)))


def npz_file(path: Path) -> RawDataset:
    """Rows of an .npz file: x or x_train, y or y_train or labels, x_test, y_test; or one array of any name."""
    arrays = _by_role(read_npz(path, path), path)
    test = None
    if "x_test" in arrays:
        test = rows_of(arrays["x_test"], arrays.get("y_test"), f"{path}, x_test")
    return RawDataset(
        dataset_name(path.stem), rows_of(arrays["x"], arrays.get("y"), str(path)), test
    )


def _by_role(arrays: dict[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    if len(arrays) == 1:
        return {"x": next(iter(arrays.values()))}
    roles = {_ROLES.get(name, ""): array for name, array in arrays.items()}
    orphan = "y_test" in roles and "x_test" not in roles
    if "" in roles or "x" not in roles or orphan or len(roles) < len(arrays):
        raise DataError(
            f"{str(path)!r} holds {', '.join(sorted(arrays)) or 'nothing'}: allowed are x or x_train, "
            "one of y, y_train and labels, x_test, y_test with x_test; or one single array"
        )
    return roles
