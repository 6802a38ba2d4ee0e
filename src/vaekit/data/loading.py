"""Load a dataset from anything that holds one: a name, a path, arrays."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vaekit.arguments import as_path
from vaekit.data.building import replace_test_examples, without_test_classes
from vaekit.data.cache import local_folder
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.named_datasets import NAMES
from vaekit.data.readers import arrays, idx, image_files, shards
from vaekit.data.readers.array_images import apply_sizes
from vaekit.data.readers.folders import SUFFIXES
from vaekit.data.readers.image_arrays import pillow_images
from vaekit.data.readers.image_options import SIZES, ImageOptions, Size
from vaekit.data.support import Support
from vaekit.errors import ConfigError, DataError, suggest
from vaekit.runtime.argument_types import check_types
from vaekit.runtime.memory_errors import memory_errors

READERS: dict[str, Callable[[Path, Support | None], Dataset]] = {
    ".npy": arrays.read_npy_file,
    ".npz": arrays.read_npz_file,
}
"""Readers of files by suffix."""

IMAGE_OPTIONS = tuple(ImageOptions.__dataclass_fields__)

READABLE = (
    "expected .npy, .npz, IDX files (with idx in the name), "
    f"images ({' '.join(SUFFIXES)}), folders of images, or shards (.tar)"
)


@memory_errors()
def load(
    data: "str | os.PathLike | np.ndarray | Examples | Dataset | tuple[Any, Any]",
    *,
    test: Any = None,
    support: str | Support | None = None,
    resize: Size | None = None,
    crop: Size | None = None,
    tile: Size | None = None,
    group: Literal["folder"] | None = None,
    skip_unreadable: bool = False,
) -> Dataset:
    """Load a dataset by name, from a path, from arrays or from images.

    Args:
        data: The name of a dataset (see `describe`) or of a folder in $VAEKIT_DATA; a path;
            arrays [N, D], [N, H, W], [N, H, W, C] or [N, C, H, W], alone or as (x, y); a list of
            arrays of one shape, each an example; images of Pillow, one or a list; or a dataset.
            A path is one of an .npy or .npz file, an image, a folder of images, an IDX file, a
            folder of the four IDX files of MNIST, or shards. An array of two dimensions holds
            vectors, or one gray image if that is cropped, resized or tiled.
        test: The test examples, in any of these forms; they replace the test part of `data`.
        support: The values that the data can take: binary, unit, integers:L or real. Default: as
            `Support.of` says.
        resize: Height and width of images; default their own.
        crop: Height and width that are cut from the center of images, before `resize`.
        tile: Height and width of tiles that images are cut into, after `resize`.
        group: "folder": images of one folder stay in one split.
        skip_unreadable: Whether to leave out image files that cannot be read.

    Sub-folders of a folder of images are classes. But a folder `train` beside a folder
    `validation` (`val`, `valid`, `dev`) or `test`, and no other folder with images, are splits.
    Pages of a TIFF and frames of a GIF are examples; pages that the description of a microscope
    (OME, ImageJ) calls channels are channels.

    Returns:
        The dataset, checked. Arrays are not copied, .npy files are memory-mapped.

    Raises:
        DataError: The data cannot be read, or are inconsistent.
        ConfigError: `support` or an option of images is invalid.

    >>> import numpy as np
    >>> from vaekit.data import load
    >>> load(np.zeros((4, 6, 6), np.uint8))
    Dataset('array', 4 examples of shape 1x6x6, integers:256)
    """
    check_types(load, (), {"support": support, "group": group, "skip_unreadable": skip_unreadable})
    support = Support.parse(support) if isinstance(support, str) else support
    options = ImageOptions(resize, crop, tile, group, skip_unreadable)
    with _errors_about("data"):
        dataset = _read(data, options, support)
    if test is None:
        return dataset
    with _errors_about("test"):
        held_out = _read(test, options, dataset.support)
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
        if error.parameter not in (*IMAGE_OPTIONS, "support"):
            error.parameter = parameter
        raise


def _read(data: Any, options: ImageOptions, support: Support | None) -> Dataset:
    if isinstance(data, os.PathLike):
        data = as_path("data", data)
    if isinstance(data, str | Path):
        return _read_named_or_path(data, options, support)
    images = pillow_images(data)
    if images:
        return image_files.read_image_sources(images, "images", options, support)
    options.check_unused(type(data).__name__, allowed=SIZES)
    return apply_sizes(_from_memory(data, support), options)


def _from_memory(data: Any, support: Support | None) -> Dataset:
    if isinstance(data, Dataset):
        return data if support is None else _with_support(data, support)
    if isinstance(data, Examples):
        return arrays.read_arrays(data.x, data.y, support)
    if isinstance(data, tuple) and len(data) == 2:
        return arrays.read_arrays(*data, support)
    if isinstance(data, list) and all(hasattr(each, "__array__") for each in data):
        return arrays.read_array_list(data, support)
    if hasattr(data, "__array__") or isinstance(data, list):
        return arrays.read_arrays(data, None, support)
    raise DataError(
        f"the data have the wrong type: got {type(data).__name__}, expected a name, a path, an "
        "array, a pair of arrays (x, y), a list of arrays or of images, Examples or a Dataset."
    )


def _read_named_or_path(
    source: "str | os.PathLike", options: ImageOptions, support: Support | None
) -> Dataset:
    with data_errors(source):
        if source in NAMES:
            options.check_unused(source, allowed=SIZES)
            return apply_sizes(NAMES[str(source)].read(support), options)
        if shards.is_shards(source):
            return shards.read_shards(str(source), options, support)
        path = Path(source) if source and Path(source).exists() else local_folder(str(source))
        if path is not None:
            return _read_path(path, options, support)
    raise DataError(
        f"no dataset or path has this name: got {str(source)!r}. {suggest(str(source), NAMES)}, "
        "or a path that exists."
    )


def _read_path(path: Path, options: ImageOptions, support: Support | None) -> Dataset:
    if path.is_dir():
        return _read_folder(path, options, support)
    if not path.is_file():
        raise DataError(f"{str(path)!r} is neither a file nor a folder, {READABLE}.")
    if path.suffix.lower() in SUFFIXES:
        return image_files.read_image_file(path, options, support)
    options.check_unused(path, allowed=SIZES)
    return apply_sizes(_reader(path)(path, support), options)


def _read_folder(folder: Path, options: ImageOptions, support: Support | None) -> Dataset:
    training_images = idx.find_training_images(folder)
    if training_images is None:
        return image_files.read_image_folder(folder, options, support)
    options.check_unused(folder, allowed=SIZES)
    dataset = idx.read_idx_file(training_images, support, name=folder.resolve().name)
    return apply_sizes(dataset, options)


def _reader(path: Path) -> Callable[[Path, Support | None], Dataset]:
    suffix = path.suffix.lower()
    if suffix in READERS:
        return READERS[suffix]
    if "idx" in path.name.lower():
        return idx.read_idx_file
    raise DataError(f"unknown file format: got {str(path)!r}, {READABLE}.")


def _with_support(dataset: Dataset, support: Support) -> Dataset:
    """A dataset declared to have another support; gray values do not belong to it."""
    return replace(dataset, support=support, gray=None, gray_max=1)


def _check_test_examples(dataset: Dataset) -> None:
    if dataset.stream is not None:
        raise DataError(
            f"the test data {dataset.name!r} are several shards, but test examples are held in "
            "memory. Pass one shard."
        )
    if dataset.test is not None or dataset.validation is not None:
        raise DataError(
            f"the test data {dataset.name!r} have parts of their own. Pass the path of one part."
        )
