"""Crop, resize and tile the images of a dataset that is in memory."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from vaekit.data.bounds import check_data_bytes
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples, shape_text
from vaekit.data.file_reading import data_errors
from vaekit.data.readers.image_options import ImageOptions, Tile, groups_of_tiles
from vaekit.errors import ConfigError


def apply_sizes(dataset: Dataset, options: ImageOptions) -> Dataset:
    """A dataset with images cropped, resized and cut into tiles, as image files are.

    An array of two dimensions, which holds vectors otherwise, is one gray image here. The tiles of
    an image form a group, which stays in one split.

    Args:
        dataset: A dataset as its reader made it.
        options: The options; the ones for files alone have no effect.

    Raises:
        ConfigError: The dataset holds labeled vectors.
        DataError: An image is smaller than a crop or a tile.
    """
    if not options.has_size:
        return dataset
    if len(dataset.shape) == 1:
        dataset = _as_one_image(dataset, options)
    size = dataset.shape[1:]
    options.check_fits((size[0], size[1]), dataset.name)
    _check_memory(dataset, options)
    train = _cut(dataset.train, options, dataset.name)
    test = None if dataset.test is None else _cut(dataset.test, options, dataset.name)
    notes = options.notes([(size[0], size[1])])
    if options.tile and train.groups is not None:
        groups, few = groups_of_tiles(train.groups, 3 if test is None else 2)
        train, notes = replace(train, groups=groups), (*notes, *few)
    return replace(dataset, train=train, test=test, notes=(*dataset.notes, *notes))


def _check_memory(dataset: Dataset, options: ImageOptions) -> None:
    """DataError for more examples than memory may hold, before any is made."""
    channels, *size = dataset.shape
    height_width = (size[0], size[1])
    count = options.tiles(height_width) * sum(
        len(part) for part in (dataset.train, dataset.test) if part is not None
    )
    shape = (channels, *options.example_size(height_width))
    dtype = dataset.train.x.dtype
    name = f"images of {shape_text(shape)} of {dtype} ({count:,} of them)"
    parameter = options.size_parameter
    check_data_bytes(count * math.prod(shape) * dtype.itemsize, name, parameter=parameter)


def _as_one_image(dataset: Dataset, options: ImageOptions) -> Dataset:
    if dataset.labeled or dataset.test is not None:
        name = next(name for name in ("crop", "resize", "tile") if getattr(options, name))
        raise ConfigError(
            f"{name} is for images, but the examples of {dataset.name!r} are vectors of "
            f"{dataset.shape[0]:,} values. Leave {name} out.",
            parameter=name,
        )
    return replace(dataset, train=Examples(dataset.train.x[None, None]))


def _cut(examples: Examples, options: ImageOptions, name: str) -> Examples:
    """The examples that images become; the tiles of one image follow each other."""
    channels, *size = examples.x.shape[1:]
    per_image = options.tiles((size[0], size[1]))
    shape = (len(examples) * per_image, channels, *options.example_size((size[0], size[1])))
    with data_errors(name):
        x = np.empty(shape, examples.x.dtype)
    names = []
    for index, (image, tile) in enumerate(_tiles(examples.x, options)):
        x[index] = tile.pixels.transpose(2, 0, 1)
        if options.tile:
            names.append(f"{name}[{image}][{tile.corner[0]},{tile.corner[1]}]")
    images = np.repeat(np.arange(len(examples)), per_image)
    return Examples(
        x,
        None if examples.y is None else examples.y[images],
        np.array(names, object) if options.tile else examples.files,
        images if options.tile else examples.groups,
    )


def _tiles(x: np.ndarray, options: ImageOptions) -> Iterator[tuple[int, Tile]]:
    for index, image in enumerate(x):
        for tile in options.examples(image.transpose(1, 2, 0)):
            yield index, tile
