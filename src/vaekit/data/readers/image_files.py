"""Image files, and folders of image files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vaekit.data.building import build_dataset
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.readers.folders import (
    LEAVES,
    FolderLayout,
    FolderWalk,
    FoundImage,
    find_layout,
    folder_labels,
)
from vaekit.data.readers.image_arrays import PLAIN, ImageSource, ReadImages, read_images
from vaekit.data.readers.image_options import ImageOptions, groups_of_tiles
from vaekit.data.skipped import Skipped, SkippedFiles
from vaekit.data.support import Support
from vaekit.errors import DataError

UNREADABLE = "unreadable"


def read_image_file(
    path: Path, options: ImageOptions = PLAIN, support: Support | None = None
) -> Dataset:
    """A dataset of the images of one file: one, or its pages or frames."""
    if options.group is not None:
        options.check_unused(path, allowed=("crop", "resize", "tile", "skip_unreadable"))
    return read_image_sources([ImageSource(path, path.name)], path.stem, options, support)


def read_image_sources(
    sources: Sequence[ImageSource], name: str, options: ImageOptions, support: Support | None = None
) -> Dataset:
    """A dataset of images without labels."""
    read = read_images(sources, options)
    skipped = SkippedFiles()
    _add_unreadable(skipped, [source.name for source in sources], read)
    groups, few = groups_of_tiles(read.images, 3) if options.tile else (None, ())
    examples = Examples(read.x, None, read.names, groups)
    notes = (*read.notes, *few, *_about_skipped(skipped.listed()))
    return build_dataset(name, examples, support=support, notes=notes, skipped=skipped.listed())


def read_image_folder(
    folder: Path, options: ImageOptions = PLAIN, support: Support | None = None
) -> Dataset:
    """The images of a folder.

    Sub-folders are splits by the rule of `find_layout`, otherwise classes.
    """
    walk = FolderWalk(folder)
    with data_errors(folder):
        layout = find_layout(folder, walk)
    found = [image for part in layout.parts.values() for image in part]
    read = read_images([ImageSource(*image) for image in found], options)
    _add_unreadable(walk.skipped, [image.name for image in found], read)
    skipped = walk.skipped.listed()

    examples, validation = _parts(folder, layout, found, read, options)
    train, few = examples["train"], ()
    if options.tile and options.group is None and train.groups is not None:
        drawn = 3 - len({"validation", "test"} & layout.parts.keys())
        groups, few = groups_of_tiles(train.groups, drawn)
        train = replace(train, groups=groups)
    return build_dataset(
        folder.resolve().name,
        train,
        examples.get("test"),
        support,
        validation=validation,
        notes=(*layout.notes, *read.notes, *few, *_about_skipped(skipped)),
        skipped=skipped,
    )


def _parts(
    folder: Path,
    layout: FolderLayout,
    found: list[FoundImage],
    read: ReadImages,
    options: ImageOptions,
) -> tuple[dict[str, Examples], np.ndarray | None]:
    """Training and test examples of a folder, and the indices of training examples that validate.

    The images of its validation split follow the images of its training split.
    """
    counts = {split: len(images) for split, images in layout.parts.items()}
    split_of = np.repeat(list(counts), list(counts.values()))[read.sources]
    for split in counts:
        if not (split_of == split).any():
            raise DataError(f"no image of the {split} split of {str(folder)!r} can be read.")

    labels = _labels(folder, layout)
    groups = _groups(found, read, options)
    count = int((split_of != "test").sum())
    examples, start = {}, 0
    for part, inside in (("train", slice(0, count)), ("test", slice(count, None))):
        if part in counts:
            examples[part] = Examples(
                read.x[inside],
                _selected(labels[part], read.sources[inside] - start),
                read.names[inside],
                _selected(groups, inside),
            )
        start += counts["train"] + counts.get("validation", 0)
    if "validation" not in counts:
        return examples, None
    return examples, np.flatnonzero(split_of[:count] == "validation")


def _selected(values: np.ndarray | None, where: np.ndarray | slice) -> np.ndarray | None:
    return None if values is None else values[where]


def _labels(folder: Path, layout: FolderLayout) -> dict[str, np.ndarray | None]:
    """The class of each image by part; the training part includes the images that validate."""
    depth = 1 if len(layout.parts) > 1 else 0
    labels = {split: folder_labels(images, depth, folder) for split, images in layout.parts.items()}
    if "validation" not in labels:
        return labels
    train, validation = labels["train"], labels.pop("validation")
    if (train is None) != (validation is None):
        raise DataError(
            f"only one of the training and the validation split of {str(folder)!r} has "
            "sub-folders of classes. Sort both into classes, or none."
        )
    if train is not None and validation is not None:
        labels["train"] = np.concatenate([train, validation])
    return labels


def _groups(found: list[FoundImage], read: ReadImages, options: ImageOptions) -> np.ndarray | None:
    """The number of the group of each example: its folder, or its image if that is tiled."""
    if options.group == "folder":
        numbers: dict[str, int] = {}
        by_source = [numbers.setdefault(image.folder, len(numbers)) for image in found]
        return np.array(by_source, np.int64)[read.sources]
    return read.images if options.tile else None


def _add_unreadable(skipped: SkippedFiles, names: Sequence[str], read: ReadImages) -> None:
    for index, why in read.unreadable.items():
        skipped.add(UNREADABLE, f"{names[index]} ({why})")


def _about_skipped(skipped: tuple[Skipped, ...]) -> tuple[str, ...]:
    """Sentences about the files whose absence may surprise."""
    sentences = {
        LEAVES: "links that leave the folder are not followed",
        UNREADABLE: "unreadable images are left out",
    }
    return tuple(
        f"{sentences[each.reason]} ({each.count:,}): {each}."
        for each in skipped
        if each.reason in sentences
    )
