"""Image files, and folders of them."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaekit.data.dataset import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.raw_dataset import RawDataset, dataset_name
from vaekit.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")
_GRAY = ("1", "L", "LA")


def image_file(path: Path, resize: tuple[int, int] | None) -> RawDataset:
    """A dataset of one row."""
    return RawDataset(dataset_name(path.stem), Examples(read_images([path], resize)))


def image_folder(folder: Path, resize: tuple[int, int] | None) -> RawDataset:
    """The images of a folder; `train` and `test` are its two parts where both exist, other sub-folders are classes."""
    parts = [folder / "train", folder / "test"]
    if not all(part.is_dir() for part in parts):
        parts = [folder]
    found = [_find(part, folder) for part in parts]
    x = read_images([file for files, _ in found for file in files], resize)
    cut = len(found[0][0])
    name = dataset_name(folder.resolve().name)
    if len(found) == 1:
        return RawDataset(name, Examples(x, found[0][1]))
    return RawDataset(name, Examples(x[:cut], found[0][1]), Examples(x[cut:], found[1][1]))


class MixedSizesError(DataError):
    """Images of more than one size. found: which they are."""

    def __init__(self, found: str, height: int, width: int):
        self.found = found
        remedy = f"give all one size with --resize {height}x{width} (python: resize=({height}, {width}) of the data)"
        super().__init__(f"{found}: {remedy}")


def read_images(
    files: Sequence[Path | BytesIO], resize: tuple[int, int] | None, channels: int | None = None
) -> np.ndarray:
    """Images as uint8 [N, C, H, W], of so many channels, else gray where every one is gray, else RGB; transparency is dropped,
    and what a camera says of how it was held is followed.

    `resize` is (height, width); without it all must have one size. Raises `DataError` naming the file at fault.
    """
    heads = [_head(file) for file in files]
    gray = channels == 1 if channels else all(mode in _GRAY for mode, _ in heads)
    for file, (mode, _) in zip(files, heads, strict=True):
        if channels == 1 and mode not in _GRAY:
            raise DataError(
                f"{str(file)!r} is in colour, those before are gray: give all in colour, or all gray"
            )
    width, height = resize[::-1] if resize else heads[0][1]
    for file, (_, size) in zip(files, heads, strict=True):
        if not resize and size != (width, height):
            found = f"{str(file)!r} is {size[1]}x{size[0]}, {str(files[0])!r} is {height}x{width} (height x width)"
            raise MixedSizesError(found, height, width)
    with data_errors(files[0]):
        x = np.empty((len(files), 1 if gray else 3, height, width), np.uint8)
    for row, file in zip(x, files, strict=True):
        row[:] = _pixels(file, "L" if gray else "RGB", (width, height))
    return x


def _find(part: Path, folder: Path) -> tuple[list[Path], np.ndarray | None]:
    """The image files of a part in order, and the class of each where they lie in sub-folders."""
    with data_errors(part):
        files = list(_walk(part, folder.resolve()))
    if not files:
        raise DataError(
            f"{str(part)!r} holds no images: allowed are {' '.join(SUFFIXES)} (hidden files and links that leave "
            "the folder do not count)"
        )
    loose = [file for file in files if file.parent == part]
    if loose and len(loose) < len(files):
        raise DataError(
            f"{str(loose[0])!r} lies beside sub-folders with images: put it in one of them, or elsewhere"
        )
    return files, None if loose else np.array([file.relative_to(part).parts[0] for file in files])


def _walk(part: Path, root: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(part, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(here, name)
            if (
                not name.startswith(".")
                and file.suffix.lower() in SUFFIXES
                and _belongs(file, root)
            ):
                yield file


def _belongs(file: Path, root: Path) -> bool:
    return file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(root))


def _raise(error: OSError) -> None:
    raise error


def _head(file: Path | BytesIO) -> tuple[str, tuple[int, int]]:
    """The mode and the (width, height) of an image, without decoding it."""
    with _opened(file) as image:
        if image.mode.startswith(("I", "F")):
            raise DataError(
                f"{str(file)!r} has more than 8 bits a channel (mode {image.mode}): convert it to 8 bits, "
                "or give the values as .npy"
            )
        width, height = image.size
        return image.mode, (height, width) if _orientation(image) in LYING else (width, height)


def _pixels(file: Path | BytesIO, mode: str, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    with _opened(file) as image:
        converted = image.convert(mode)
        if turn := TURNS.get(_orientation(image)):
            converted = converted.transpose(Image.Transpose[turn])
        if converted.size != size:
            converted = converted.resize(size, Image.Resampling.BILINEAR)
        values = np.asarray(converted)
    return values if mode == "L" else values.transpose(2, 0, 1)


ORIENTATION = 0x0112
LYING = (5, 6, 7, 8)
TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""How an image is turned to be seen as it was taken, by EXIF's orientation, which cameras write beside the pixels."""


def _orientation(image: "Image.Image") -> int:
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged metadata turn nothing
        return 1


@contextmanager
def _opened(file: Path | BytesIO):
    from PIL import Image

    with data_errors(file), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata and palettes
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=_FORMATS) as image:
            yield image
