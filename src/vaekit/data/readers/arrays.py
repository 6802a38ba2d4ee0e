"""Arrays in memory, in .npy files and in .npz files."""

from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.building import build_dataset, raw_examples
from vaekit.data.dataset import Dataset
from vaekit.data.file_reading import data_errors
from vaekit.data.readers.npz import map_npy, read_npz
from vaekit.data.support import Support
from vaekit.errors import DataError

ROLES = {
    "x": "x",
    "x_train": "x",
    "y": "y",
    "y_train": "y",
    "labels": "y",
    "x_test": "x_test",
    "y_test": "y_test",
}
"""Accepted names of arrays in an .npz file."""


def read_arrays(x: Any, y: Any = None, support: Support | None = None) -> Dataset:
    """A dataset of arrays in memory."""
    return build_dataset("array", raw_examples(x, y, "array"), support=support)


def read_array_list(arrays: list[Any], support: Support | None = None) -> Dataset:
    """A dataset of a list of arrays of one shape and one type, each an example."""
    with data_errors("list"):
        examples = [np.asarray(array) for array in arrays]
    if not examples:
        raise DataError("the list is empty, expected at least one array.")
    first = examples[0]
    for index, example in enumerate(examples):
        if (example.shape, example.dtype) != (first.shape, first.dtype):
            raise DataError(
                f"arrays of the list differ: array 0 has the shape {first.shape} of {first.dtype}, "
                f"array {index} the shape {example.shape} of {example.dtype}. "
                "Bring all to one shape and type."
            )
    return read_arrays(np.stack(examples), None, support)


def read_npy_file(path: Path, support: Support | None = None) -> Dataset:
    """The unlabeled examples of an .npy file, memory-mapped and read-only; never unpickled."""
    x = map_npy(path)
    return build_dataset(path.stem, raw_examples(x, None, str(path)), support=support)


def read_npz_file(path: Path, support: Support | None = None) -> Dataset:
    """The examples of an .npz file with arrays named as in `ROLES`, or with one array of any
    name."""
    arrays = _by_role(read_npz(path, path), path)
    train = raw_examples(arrays["x"], arrays.get("y"), str(path))
    test = None
    if "x_test" in arrays:
        test = raw_examples(arrays["x_test"], arrays.get("y_test"), f"{path}, x_test")
    return build_dataset(path.stem, train, test, support)


def _by_role(arrays: dict[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    if len(arrays) == 1:
        return {"x": next(iter(arrays.values()))}
    roles = {ROLES.get(name, ""): array for name, array in arrays.items()}
    has_unknown = "" in roles
    has_duplicate = len(roles) < len(arrays)
    has_only_test_labels = "y_test" in roles and "x_test" not in roles
    if has_unknown or has_duplicate or has_only_test_labels or "x" not in roles:
        raise DataError(
            f"{str(path)!r} has the wrong arrays: got {', '.join(sorted(arrays)) or 'none'}, "
            "expected one of x and x_train, one of y, y_train and labels, x_test, "
            "and y_test with x_test; or one single array."
        )
    return roles
