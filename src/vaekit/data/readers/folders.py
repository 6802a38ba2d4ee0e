"""Find the images of a folder, its splits and its classes."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.data.skipped import SkippedFiles
from vaekit.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")

SPLITS = ("train", "validation", "test")
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "holdout": "test",
}
"""Splits by the name of their folder in lower case."""

MAX_LINKED_FOLDERS = 10_000
HIDDEN = "hidden"
UNKNOWN_SUFFIX = "no suffix of an image"
LEAVES = "link that leaves the folder"
CIRCLE = "link to a folder above it"
BROKEN = "broken link"
OUTSIDE_SPLITS = "outside the folders of the splits"


class FoundImage(NamedTuple):
    """The path of an image, and its name: the path relative to the data folder, with slashes."""

    path: str
    name: str

    @property
    def folder(self) -> str:
        """The folder of the image, relative to the data folder."""
        return self.name.rpartition("/")[0]


@dataclass
class FolderWalk:
    """Finds images in a folder, in order of their names.

    Links to folders and files within the folder are followed; links that leave it, and links to a
    folder above themselves, are not.

    Args:
        root: The data folder.
    """

    root: Path
    skipped: SkippedFiles = field(default_factory=SkippedFiles)
    linked: int = 0

    def images(self) -> list[FoundImage]:
        """All images."""
        real = os.path.realpath(self.root)
        return list(self._walk(str(self.root), "", (real,)))

    def _walk(self, folder: str, prefix: str, above: tuple[str, ...]) -> Iterator[FoundImage]:
        """The images of a folder, then the images of its sub-folders.

        Args:
            folder: Its path.
            prefix: Its name with a slash, which the names of its entries follow.
            above: The real paths of the folder and of all folders above it.
        """
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        folders = []
        for entry in ordered:
            if entry.name.startswith("."):
                self.skipped.add(HIDDEN, prefix + entry.name)
            elif entry.is_symlink() and not self._may_follow(entry, prefix, above):
                continue
            elif entry.is_dir():
                folders.append(entry)
            elif self._is_image(entry, prefix):
                yield FoundImage(entry.path, prefix + entry.name)
        for entry in folders:
            real = above[-1] + os.sep + entry.name
            if entry.is_symlink():
                real = os.path.realpath(entry.path)
            yield from self._walk(entry.path, f"{prefix}{entry.name}/", (*above, real))

    def _may_follow(self, entry: os.DirEntry, prefix: str, above: tuple[str, ...]) -> bool:
        name, real = prefix + entry.name, os.path.realpath(entry.path)
        if not Path(real).exists():
            self.skipped.add(BROKEN, name)
        elif not is_inside(real, above[0]):
            self.skipped.add(LEAVES, name)
        elif real in above:
            self.skipped.add(CIRCLE, name)
        else:
            self._count_linked_folder(entry)
            return True
        return False

    def _count_linked_folder(self, entry: os.DirEntry) -> None:
        """Links that cross each other would lead to ever more folders."""
        self.linked += entry.is_dir()
        if self.linked > MAX_LINKED_FOLDERS:
            raise DataError(
                f"{str(self.root)!r} leads to more than {MAX_LINKED_FOLDERS:,} folders by links. "
                "Remove links that cross each other."
            )

    def _is_image(self, entry: os.DirEntry, prefix: str) -> bool:
        if not entry.name.lower().endswith(SUFFIXES):
            self.skipped.add(UNKNOWN_SUFFIX, prefix + entry.name)
            return False
        return True


def is_inside(real: str, root: str) -> bool:
    """Whether a real path is a folder, or lies within it."""
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


class FolderLayout(NamedTuple):
    """The images of each split, and their labels.

    Attributes:
        parts: Images by split; only train if the folder has no splits.
        notes: What is worth saying about the names of the folders.
    """

    parts: dict[str, list[FoundImage]]
    notes: tuple[str, ...]


def find_layout(root: Path, walk: FolderWalk) -> FolderLayout:
    """The splits of a folder, or all of its images.

    A folder `train` beside a folder `validation` or `test`, in any case and by any name of
    `SPLIT_FOLDERS`, with images in no other folder, are splits. Otherwise all folders are classes.
    """
    images = walk.images()
    folders = _visible_folders(root)
    named = {name: SPLIT_FOLDERS[name.lower()] for name in folders if name.lower() in SPLIT_FOLDERS}
    used = {image.name.split("/", 1)[0] for image in images if "/" in image.name}
    splits = set(named.values())
    if "train" in splits and len(splits) == len(named) > 1 and used <= set(named):
        return FolderLayout(_by_split(root, walk, images, named), ())
    if not images:
        raise _no_images(root)
    return FolderLayout({"train": images}, _about_names(used, named))


def _about_names(used: set[str], named: dict[str, str]) -> tuple[str, ...]:
    looking_like_splits = sorted(used & set(named))
    if not looking_like_splits:
        return ()
    return (
        f"the sub-folders are classes, {', '.join(looking_like_splits)} as well. "
        "Splits are a folder train beside validation or test, and no other folder with images.",
    )


def _by_split(
    root: Path, walk: FolderWalk, images: list[FoundImage], named: dict[str, str]
) -> dict[str, list[FoundImage]]:
    splits = [split for split in SPLITS if split in named.values()]
    parts: dict[str, list[FoundImage]] = {split: [] for split in splits}
    for image in images:
        folder, slash, _ = image.name.partition("/")
        if slash:
            parts[named[folder]].append(image)
        else:
            walk.skipped.add(OUTSIDE_SPLITS, image.name)
    for folder, split in named.items():
        if not parts[split]:
            raise _no_images(root / folder)
    return parts


def _visible_folders(root: Path) -> list[str]:
    with os.scandir(root) as entries:
        return [
            entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()
        ]


def folder_labels(images: Sequence[FoundImage], depth: int, part: Path) -> np.ndarray | None:
    """The class of each image, the name of its sub-folder; None without sub-folders.

    Args:
        images: The images of a part.
        depth: The number of folders between the data folder and the sub-folders.
        part: The folder of the part, for messages.
    """
    parents = [image.name.split("/")[depth:-1] for image in images]
    outside = sum(not folders for folders in parents)
    if not outside:
        return np.array([folders[0] for folders in parents])
    if outside < len(images):
        first = next(image for image, folders in zip(images, parents, strict=True) if not folders)
        raise DataError(
            f"{first.path!r} lies outside the sub-folders of {str(part)!r} with images. "
            "Move it into one of them, or elsewhere."
        )
    return None


def _no_images(folder: Path) -> DataError:
    return DataError(
        f"{str(folder)!r} contains no images, expected files with {' '.join(SUFFIXES)}. "
        "Hidden files and links that leave the folder do not count."
    )
