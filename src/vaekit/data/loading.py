"""From whatever the user gives to a dataset."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.cache import local_folder
from vaekit.data.dataset import Dataset, Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.named_datasets import NAMES
from vaekit.data.raw_dataset import RawDataset, dataset_name
from vaekit.data.readers import arrays, idx, shards
from vaekit.data.readers import image_files as images
from vaekit.data.support import Support
from vaekit.errors import ConfigError, DataError, suggest

Size = tuple[int, int] | None

_READERS = {".npy": arrays.npy_file, ".npz": arrays.npz_file}
_READABLE = (
    f"allowed are .npy, .npz, IDX files (with idx in the name), images ({' '.join(images.SUFFIXES)}), folders of images, and "
    "shards (.tar)"
)


def load(
    source: "str | os.PathLike | np.ndarray | Examples | Dataset | tuple[Any, Any]",
    *,
    test: Any = None,
    support: str | Support | None = None,
    resize: Size = None,
) -> Dataset:
    """Load a dataset by name, from a path, or from arrays.

    A path is read by what is there: a folder of images (sub-folders are classes; `train` and `test`, where both
    exist, are the two parts), one image, .npy, .npz, an IDX file or a folder of the usual four. A name that is none
    of ours is also looked for in $VAEKIT_DATA. Arrays are [N, D], [N, H, W], [N, H, W, C] or [N, C, H, W], alone or as
    (x, y). `test` gives the test part in the same ways and replaces one that the source has; `support` says what the
    values are where the default rule (`Support.of`) is not meant; `resize` is (height, width), for image files only.

    Raises `DataError` for data that cannot be read or contradict themselves, `ConfigError` for a wrong option.

    >>> load(np.zeros((4, 6, 6), np.uint8)).shape
    (1, 6, 6)
    """
    support = Support.parse(support) if isinstance(support, str) else support
    _check_resize(resize)
    if isinstance(source, Dataset) and test is None and support is None and resize is None:
        return source
    raw = _read(source, resize)
    if test is not None:
        raw = replace(raw, test=_test_rows(_read(test, resize)))
    return replace(raw, support=support or raw.support).build()


def _read(source: Any, size: Size) -> RawDataset:
    if isinstance(source, str | os.PathLike):
        return _read_named_or_path(source, size)
    if size is not None:
        raise ConfigError("resize is for image files only: rescale arrays before they are given")
    if isinstance(source, Dataset):
        return _unbuilt(source)
    if isinstance(source, Examples):
        return arrays.in_memory(source.x, source.y)
    if isinstance(source, tuple) and len(source) == 2:
        return arrays.in_memory(*source)
    if hasattr(source, "__array__"):
        return arrays.in_memory(source)
    raise DataError(
        f"data of type {type(source).__name__}: allowed are a name, a path, an array, (x, y) or a Dataset"
    )


def _read_named_or_path(source: "str | os.PathLike", size: Size) -> RawDataset:
    with data_errors(source):
        if source in NAMES:
            _refuse_resize(size, source)
            return NAMES[str(source)].read()
        if shards.is_shards(source):
            return shards.read_shards(str(source), size)
        path = Path(source) if source and Path(source).exists() else local_folder(str(source))
        if path is not None:
            return _read_path(path, size)
    raise DataError(
        f"{str(source)!r} is neither a named dataset nor a path that exists: {suggest(str(source), NAMES)}, "
        "or a path that exists"
    )


def _read_path(path: Path, size: Size) -> RawDataset:
    if path.is_dir():
        training = idx.in_folder(path)
        if training is None:
            return images.image_folder(path, size)
        _refuse_resize(size, path)
        return replace(idx.idx_file(training), name=dataset_name(path.resolve().name))
    if not path.is_file():
        raise DataError(f"{str(path)!r} is neither a file nor a folder: {_READABLE}")
    if path.suffix.lower() in images.SUFFIXES:
        return images.image_file(path, size)
    _refuse_resize(size, path)
    return _reader(path)(path)


def _reader(path: Path) -> Callable[[Path], RawDataset]:
    if path.suffix.lower() in _READERS:
        return _READERS[path.suffix.lower()]
    if "idx" in path.name.lower():
        return idx.idx_file
    raise DataError(f"{str(path)!r} is of no kind that can be read: {_READABLE}")


def _refuse_resize(size: Size, source: object) -> None:
    if size is not None:
        raise ConfigError(f"resize is for image files only, {str(source)!r} is none: leave it out")


def _unbuilt(dataset: Dataset) -> RawDataset:
    """A dataset as a reader would have found it."""
    names = np.array(dataset.classes)

    def rows(part: Examples) -> Examples:
        return part if part.y is None else Examples(part.x, names[part.y])

    test = None if dataset.test is None else rows(dataset.test)
    return RawDataset(
        dataset.name, rows(dataset.train), test, dataset.support, dataset.classes, dataset.stream
    )


def _test_rows(raw: RawDataset) -> Examples:
    if raw.stream is not None:
        raise DataError(
            f"the test data {raw.name!r} are several shards, test rows are held in memory: give one"
        )
    if raw.test is not None:
        raise DataError(
            f"the test data {raw.name!r} have a test part of their own: give the path of that part"
        )
    return raw.train


def _check_resize(size: Any) -> None:
    if size is None:
        return
    if not (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(type(side) is int and side > 0 for side in size)
    ):
        raise ConfigError(
            f"resize {size!r}: two whole numbers above 0, height and width, as in (64, 64)"
        )
