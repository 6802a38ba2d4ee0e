"""Load a dataset from anything that holds one: a name, a path, arrays."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.building import replace_test_examples, without_test_classes
from vaekit.data.cache import local_folder
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.named_datasets import NAMES
from vaekit.data.readers import arrays, idx, image_files, shards
from vaekit.data.readers.image_files import Size
from vaekit.data.support import Support
from vaekit.errors import ConfigError, DataError, suggest

READERS: dict[str, Callable[[Path, Support | None], Dataset]] = {
    ".npy": arrays.read_npy_file,
    ".npz": arrays.read_npz_file,
}
"""Readers of files by suffix."""

READABLE = (
    "expected .npy, .npz, IDX files (with idx in the name), "
    f"images ({' '.join(image_files.SUFFIXES)}), folders of images, or shards (.tar)"
)


def load(
    data: "str | os.PathLike | np.ndarray | Examples | Dataset | tuple[Any, Any]",
    *,
    test: Any = None,
    support: str | Support | None = None,
    resize: Size | None = None,
) -> Dataset:
    """Load a dataset by name, from a path, or from arrays.

    Args:
        data: The name of a dataset (see `describe`) or of a folder in $VAEKIT_DATA; a path;
            arrays [N, D], [N, H, W], [N, H, W, C] or [N, C, H, W], alone or as (x, y); or a
            dataset. A path is one of an .npy or .npz file, an image, a folder of images
            (sub-folders are classes; if both `train` and `test` exist, they are the two parts),
            an IDX file, a folder of the four IDX files of MNIST, or shards.
        test: The test examples, in any of these forms; they replace the test part of `data`.
        support: The values that the data can take: binary, unit, integers:L or real. Default:
            binary for bool, integers:256 for uint8, unit for floats within [0, 1], else real.
        resize: Height and width of image files; default their own.

    Returns:
        The dataset, checked. Arrays are not copied, .npy files are memory-mapped.

    Raises:
        DataError: The data cannot be read, or are inconsistent.
        ConfigError: `support` or `resize` is invalid.

    >>> import numpy as np
    >>> from vaekit.data import load
    >>> load(np.zeros((4, 6, 6), np.uint8))
    Dataset('array', 4 examples of shape 1x6x6, integers:256)
    """
    support = Support.parse(support) if isinstance(support, str) else support
    _check_size(resize)
    with _errors_about("data"):
        dataset = _read(data, resize, support)
    if test is None:
        return dataset
    with _errors_about("test"):
        held_out = _read(test, resize, dataset.support)
        _check_test_examples(held_out)
        classes = dataset.classes
        if not isinstance(data, Dataset):
            classes = without_test_classes(dataset)
        return replace_test_examples(dataset, held_out, classes)


@contextmanager
def _errors_about(parameter: str) -> Iterator[None]:
    """Let errors about the content of a source name the parameter that it was passed as."""
    try:
        yield
    except (ConfigError, DataError) as error:
        if error.parameter not in ("resize", "support"):
            error.parameter = parameter
        raise


def _read(data: Any, resize: Size | None, support: Support | None) -> Dataset:
    if isinstance(data, str | os.PathLike):
        return _read_named_or_path(data, resize, support)
    if resize is not None:
        raise ConfigError(
            "resize is for image files only. Resize arrays before loading them.",
            parameter="resize",
        )
    if isinstance(data, Dataset):
        return data if support is None else _with_support(data, support)
    if isinstance(data, Examples):
        return arrays.read_arrays(data.x, data.y, support)
    if isinstance(data, tuple) and len(data) == 2:
        return arrays.read_arrays(*data, support)
    if hasattr(data, "__array__") or isinstance(data, list):
        return arrays.read_arrays(data, None, support)
    raise DataError(
        f"the data have the wrong type: got {type(data).__name__}, "
        "expected a name, a path, an array, a pair of arrays (x, y), Examples or a Dataset."
    )


def _read_named_or_path(
    source: "str | os.PathLike", resize: Size | None, support: Support | None
) -> Dataset:
    with data_errors(source):
        if source in NAMES:
            _refuse_resize(resize, source)
            return NAMES[str(source)].read(support)
        if shards.is_shards(source):
            return shards.read_shards(str(source), resize, support)
        path = Path(source) if source and Path(source).exists() else local_folder(str(source))
        if path is not None:
            return _read_path(path, resize, support)
    raise DataError(
        f"no dataset or path has this name: got {str(source)!r}. {suggest(str(source), NAMES)}, "
        "or a path that exists."
    )


def _read_path(path: Path, resize: Size | None, support: Support | None) -> Dataset:
    if path.is_dir():
        return _read_folder(path, resize, support)
    if not path.is_file():
        raise DataError(f"{str(path)!r} is neither a file nor a folder, {READABLE}.")
    if path.suffix.lower() in image_files.SUFFIXES:
        return image_files.read_image_file(path, resize, support)
    _refuse_resize(resize, path)
    return _reader(path)(path, support)


def _read_folder(folder: Path, resize: Size | None, support: Support | None) -> Dataset:
    training_images = idx.find_training_images(folder)
    if training_images is None:
        return image_files.read_image_folder(folder, resize, support)
    _refuse_resize(resize, folder)
    return idx.read_idx_file(training_images, support, name=folder.resolve().name)


def _reader(path: Path) -> Callable[[Path, Support | None], Dataset]:
    suffix = path.suffix.lower()
    if suffix in READERS:
        return READERS[suffix]
    if "idx" in path.name.lower():
        return idx.read_idx_file
    raise DataError(f"unknown file format: got {str(path)!r}, {READABLE}.")


def _with_support(dataset: Dataset, support: Support) -> Dataset:
    """A dataset declared to have another support; gray values do not belong to it."""
    return Dataset(
        dataset.name, dataset.train, dataset.test, support, dataset.classes, dataset.stream
    )


def _check_test_examples(dataset: Dataset) -> None:
    if dataset.stream is not None:
        raise DataError(
            f"the test data {dataset.name!r} are several shards, but test examples are held in "
            "memory. Pass one shard."
        )
    if dataset.test is not None:
        raise DataError(
            f"the test data {dataset.name!r} have a test part of their own. "
            "Pass the path of that part."
        )


def _refuse_resize(resize: Size | None, source: object) -> None:
    if resize is not None:
        raise ConfigError(
            f"resize is for image files only, but {str(source)!r} is none. Leave resize out.",
            parameter="resize",
        )


def _check_size(resize: Any) -> None:
    if resize is None:
        return
    is_pair = isinstance(resize, tuple | list) and len(resize) == 2
    if not is_pair or not all(type(side) is int and side > 0 for side in resize):
        expected = "height and width, two whole numbers above 0, as in (64, 64)"
        raise ConfigError.for_value("resize", resize, expected)
