"""Image files, and folders of image files."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vaekit.data.building import build_dataset
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.support import Support
from vaekit.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")
GRAY_MODES = ("1", "L", "LA")

EXIF_ORIENTATION = 0x0112
"""The tag in which cameras record how they were held."""
TRANSPOSITIONS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""By orientation, the operation of Pillow that turns an image upright."""
SWAPS_SIDES = (5, 6, 7, 8)
"""Orientations whose upright image is as wide as the stored one is high."""

Size = tuple[int, int]
"""Height and width."""


class MixedSizesError(DataError):
    """Images of more than one size.

    Args:
        problem: Which images differ, as half a sentence.
        size: Height and width of the first image.
    """

    def __init__(self, problem: str, size: Size):
        self.problem = problem
        fix = f"Resize all to one size, such as {'x'.join(map(str, size))}"
        super().__init__(f"{problem}. {fix}.", parameter="resize")


class _ImageHeader(NamedTuple):
    """The mode of an image in Pillow, and its upright size (height, width)."""

    mode: str
    size: Size


def read_image_file(path: Path, resize: Size | None, support: Support | None = None) -> Dataset:
    """A dataset of one example."""
    return build_dataset(path.stem, Examples(read_images([path], resize)), support=support)


def read_image_folder(folder: Path, resize: Size | None, support: Support | None = None) -> Dataset:
    """The images of a folder.

    If both sub-folders `train` and `test` exist, they are the two parts. Other sub-folders are
    classes.
    """
    parts = [folder / "train", folder / "test"]
    if not all(part.is_dir() for part in parts):
        parts = [folder]
    files = [_find_images(part, folder) for part in parts]
    labels = [_folder_labels(part, paths) for part, paths in zip(parts, files, strict=True)]
    x = read_images([path for paths in files for path in paths], resize)

    count = len(files[0])
    train = Examples(x[:count], labels[0])
    test = Examples(x[count:], labels[1]) if len(parts) == 2 else None
    return build_dataset(folder.resolve().name, train, test, support)


def read_images(
    files: Sequence[Path | BytesIO], resize: Size | None, channels: int | None = None
) -> np.ndarray:
    """Images as an array, upright and without transparency.

    Args:
        files: Paths, or open files.
        resize: Height and width of all; None if they have one size.
        channels: 1 for gray images, any other number for RGB; default 1 if all images are gray.

    Returns:
        uint8 [N, 1 or 3, H, W].

    Raises:
        MixedSizesError: The images have more than one size, and `resize` is None.
        DataError: A file is damaged, no image, or in color among gray images.
    """
    headers = [_read_header(file) for file in files]
    if channels == 1:
        _check_all_gray(files, headers)
    if channels is None:
        is_gray = all(header.mode in GRAY_MODES for header in headers)
    else:
        is_gray = channels == 1
    if resize is None:
        _check_equal_sizes(files, headers)

    height, width = resize or headers[0].size
    with data_errors(files[0]):
        x = np.empty((len(files), 1 if is_gray else 3, height, width), np.uint8)
    for pixels, file in zip(x, files, strict=True):
        pixels[:] = _read_pixels(file, "L" if is_gray else "RGB", (height, width))
    return x


def _check_all_gray(files: Sequence[Path | BytesIO], headers: Sequence[_ImageHeader]) -> None:
    for file, header in zip(files, headers, strict=True):
        if header.mode not in GRAY_MODES:
            raise DataError(
                f"{str(file)!r} is in color, but earlier images are gray. "
                "Use only color images, or only gray ones."
            )


def _check_equal_sizes(files: Sequence[Path | BytesIO], headers: Sequence[_ImageHeader]) -> None:
    first = headers[0].size
    for file, header in zip(files, headers, strict=True):
        if header.size != first:
            height, width = header.size
            problem = (
                f"images have more than one size (height x width): {str(file)!r} is "
                f"{height}x{width}, {str(files[0])!r} is {first[0]}x{first[1]}"
            )
            raise MixedSizesError(problem, first)


def _find_images(part: Path, folder: Path) -> list[Path]:
    """The image files of a part, in order."""
    with data_errors(part):
        files = list(_walk(part, folder.resolve()))
    if not files:
        raise DataError(
            f"{str(part)!r} contains no images, expected files with {' '.join(SUFFIXES)}. "
            "Hidden files and links that leave the folder do not count."
        )
    return files


def _folder_labels(part: Path, files: Sequence[Path]) -> np.ndarray | None:
    """The class of each file, the name of its sub-folder; None without sub-folders."""
    outside = [file for file in files if file.parent == part]
    if not outside:
        return np.array([file.relative_to(part).parts[0] for file in files])
    if len(outside) < len(files):
        raise DataError(
            f"{str(outside[0])!r} lies outside the sub-folders with images. "
            "Move it into one of them, or elsewhere."
        )
    return None


def _walk(part: Path, root: Path) -> Iterator[Path]:
    for current, folders, names in os.walk(part, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(current, name)
            is_image = not name.startswith(".") and file.suffix.lower() in SUFFIXES
            if is_image and _is_inside(file, root):
                yield file


def _is_inside(file: Path, root: Path) -> bool:
    """Whether this is a file, not a link that leaves the folder."""
    return file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(root))


def _raise(error: OSError) -> None:
    raise error


def _read_header(file: Path | BytesIO) -> _ImageHeader:
    """The header of an image, without decoding its pixels."""
    with _opened(file) as image:
        if image.mode.startswith(("I", "F")):
            raise DataError(
                f"{str(file)!r} has more than 8 bits per channel: got the mode {image.mode}. "
                "Convert it to 8 bits, or save the values as .npy."
            )
        width, height = image.size
        if _orientation(image) in SWAPS_SIDES:
            width, height = height, width
        return _ImageHeader(image.mode, (height, width))


def _read_pixels(file: Path | BytesIO, mode: str, size: Size) -> np.ndarray:
    """Pixels [H, W] of mode "L", or [3, H, W] of mode "RGB"."""
    from PIL import Image

    height, width = size
    with _opened(file) as image:
        converted = image.convert(mode)
        if operation := TRANSPOSITIONS.get(_orientation(image)):
            converted = converted.transpose(Image.Transpose[operation])
        if converted.size != (width, height):
            converted = converted.resize((width, height), Image.Resampling.BILINEAR)
        values = np.asarray(converted)
    return values if mode == "L" else values.transpose(2, 0, 1)


def _orientation(image: "Image.Image") -> int:
    try:
        return image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # damaged metadata do not turn the image
        return 1


@contextmanager
def _opened(file: Path | BytesIO) -> "Iterator[Image.Image]":
    from PIL import Image

    with data_errors(file), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata and palettes
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=FORMATS) as image:
            yield image
