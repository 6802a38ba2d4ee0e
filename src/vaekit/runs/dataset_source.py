"""The dataset that a configuration names: loaded again, and checked against its fingerprint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vaekit import data as datasets
from vaekit.config import Settings
from vaekit.data import Dataset
from vaekit.data.binarization import binarize
from vaekit.data.cache import local_folder
from vaekit.data.color import with_channels
from vaekit.data.file_reading import data_errors
from vaekit.data.loading import IMAGE_OPTIONS
from vaekit.data.readers.image_arrays import ImageSource, read_images
from vaekit.data.readers.image_options import ImageOptions
from vaekit.data.readers.shards import is_shards
from vaekit.errors import DataError
from vaekit.runs.directory import from_directory, working_directory

IN_MEMORY = "in-memory"


def load_dataset(config: Settings, data: Any = None, *, directory: Path | None = None) -> Dataset:
    """Load the dataset of a configuration, or other data.

    Args:
        config: The configuration of a run, or one that is about to become a run.
        data: A name, a path, arrays or a `Dataset` that replaces the configured source; options of
            the data section are not a replacement.
        directory: Where relative paths of the configuration start; default the working directory.

    Raises:
        DataError: The source is missing, or its content is not what the fingerprint says.
    """
    options = config.data
    if isinstance(data, Dataset):
        return _check_fingerprint(config, binarize(data, options.binarize))
    source = options.source if data is None or isinstance(data, Mapping) else data
    if isinstance(source, str) and source == IN_MEMORY:
        raise DataError(
            "the dataset of this run was arrays in memory. Pass them again as data.",
            parameter="data",
        )
    if source is options.source:
        source = locate(options.source, directory)
    test = locate(options.test, directory)
    if data is None and options.fingerprint:
        for path in (source, test):
            _check_present(path)
    dataset = datasets.load(source, test=test, support=options.support, **image_options(config))
    return _check_fingerprint(config, binarize(dataset, options.binarize))


def image_options(config: Settings) -> dict[str, Any]:
    """The configured options of image files, as `vaekit.data.load` takes them."""
    return {name: getattr(config.data, name) for name in IMAGE_OPTIONS}


def read_as_configured(images: list[ImageSource], config: Settings, channels: int) -> np.ndarray:
    """Single images [N, C, H, W], cropped and resized as the configuration says, not tiled.

    Args:
        images: The images.
        config: The configuration of a run.
        channels: The number of channels of the run's model.
    """
    sizes = ImageOptions(crop=config.data.crop, resize=config.data.resize)
    return with_channels(read_images(images, sizes).x, channels)


def locate(source: Any, directory: Path | None) -> Any:
    """A source with a path that was relative to `directory`, from the working directory."""
    if directory is None or directory == working_directory():
        return source
    if source is None or source in datasets.NAMES:
        return source
    path = from_directory(Path(source), directory)
    is_local = is_shards(source) and "://" not in source
    with data_errors(source):
        return str(path) if is_local or path.exists() else source


def is_missing(source: Any) -> bool:
    """Whether a source is a path that exists neither here nor in $VAEKIT_DATA."""
    if not isinstance(source, str) or source in datasets.NAMES or is_shards(source):
        return False
    with data_errors(source):
        return not Path(source).exists() and local_folder(source) is None


def _check_present(source: str | None) -> None:
    if source is not None and is_missing(source):
        raise DataError(
            f"the dataset of this run is missing: got {source}. "
            "Restore it, or pass its new location as data.",
            parameter="data",
        )


def _check_fingerprint(config: Settings, dataset: Dataset) -> Dataset:
    recorded = config.data.fingerprint
    if recorded is not None and recorded != dataset.fingerprint():
        raise DataError(
            f"the content of {dataset.name!r} has changed since the run was recorded. "
            "Restore it; to use the run on the new content pass it as data, "
            "and to train on it remove data.fingerprint.",
            parameter="data",
        )
    return dataset
