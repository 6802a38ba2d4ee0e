"""Decode one image file: a header and an array for each of its frames."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

import numpy as np

from vaekit.data.readers.image_options import Size

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")
ANIMATED_FORMATS = ("PNG", "WEBP", "GIF")
"""Formats whose frames are examples; the further pictures of a JPEG are previews."""
GRAY_MODES = ("1", "L", "LA", "La")
DEEP_TYPES = {
    "I;16": np.dtype(np.uint16),
    "I;16B": np.dtype(np.uint16),
    "I;16L": np.dtype(np.uint16),
    "I": np.dtype(np.int32),
    "F": np.dtype(np.float32),
}
"""Types of the modes of Pillow that have more than 8 bits."""

PNG_MARK = b"\x89PNG\r\n\x1a\n"
PNG_START_BYTES = 26
"""Up to the color type in the header of a PNG."""
TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

EXIF_ORIENTATION = 0x0112
"""The tag in which cameras record how they were held."""
FLIPS_ROWS = (3, 4, 7, 8)
FLIPS_COLUMNS = (2, 3, 6, 7)
SWAPS_SIDES = (5, 6, 7, 8)
"""Orientations whose upright image is as wide as the stored one is high."""

UINT8 = np.dtype(np.uint8)
UINT16 = np.dtype(np.uint16)


class ImageHeader(NamedTuple):
    """The upright size, the number of channels and the type of the values of a frame."""

    size: Size
    channels: int
    dtype: np.dtype


class DecodedImage(Protocol):
    """An open image file."""

    def headers(self) -> list[ImageHeader]:
        """The header of each frame; most formats decode no pixels for it."""
        ...

    def frames(self) -> Iterator[np.ndarray]:
        """The pixels [H, W, C] of each frame, upright and without transparency."""
        ...


@contextmanager
def open_image(file: "str | Path | BinaryIO | Image.Image") -> Iterator[DecodedImage]:
    """Open an image, which is a file or an image of Pillow.

    Call it within `data_errors`: on damaged content decoders raise errors of many types.
    """
    if hasattr(file, "getexif"):
        yield PillowImage(file, is_file=False)  # type: ignore[arg-type]
    elif isinstance(file, str | Path):
        with Path(file).open("rb") as stream, _open_stream(stream) as image:
            yield image
    else:
        file.seek(0)  # type: ignore[union-attr]
        with _open_stream(file) as image:  # type: ignore[arg-type]
            yield image


@contextmanager
def _open_stream(stream: BinaryIO) -> Iterator[DecodedImage]:
    start = stream.read(PNG_START_BYTES)
    stream.seek(0)
    if start[:4] in TIFF_MARKS:
        from vaekit.data.readers.tiff import open_tiff

        with open_tiff(stream) as tiff:
            yield tiff
        return
    with open_with_pillow(stream) as image:
        is_deep_png = start.startswith(PNG_MARK) and start[24:25] == b"\x10"
        yield DeepPng(image, stream, start[25]) if is_deep_png else PillowImage(image)


@contextmanager
def open_with_pillow(stream: BinaryIO) -> "Iterator[Image.Image]":
    """An image of Pillow; too many pixels are an error, notes about metadata are none."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata and palettes
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(stream, formats=FORMATS) as image:
            yield image


class PillowImage:
    """An image that Pillow represents completely: 8 bits per channel, or one channel."""

    def __init__(self, image: "Image.Image", *, is_file: bool = True):
        self.image = image
        is_animated = is_file and image.format in ANIMATED_FORMATS
        self.count: int = getattr(image, "n_frames", 1) if is_animated else 1

    def headers(self) -> list[ImageHeader]:
        """The header of each frame, all alike."""
        return [self._header] * self.count

    def frames(self) -> Iterator[np.ndarray]:
        """The pixels [H, W, C] of each frame."""
        for index in range(self.count):
            if self.count > 1:
                self.image.seek(index)
            yield upright(pillow_pixels(self.image, self._channels), orientation(self.image))

    @cached_property
    def _header(self) -> ImageHeader:
        dtype = DEEP_TYPES.get(self.image.mode, UINT8)
        return ImageHeader(upright_size(self.image), self._channels, dtype)

    @cached_property
    def _channels(self) -> int:
        if self.image.mode in DEEP_TYPES:
            return 1
        return 1 if self._is_gray() else 3

    def _is_gray(self) -> bool:
        """Whether all frames are gray; each may have colors of its own."""
        if self.count == 1:
            return self.image.mode in GRAY_MODES
        for index in range(self.count):
            self.image.seek(index)
            if self.image.mode not in GRAY_MODES:
                return False
        return True


class DeepPng:
    """A PNG of 16 bits per channel, which Pillow reduces to 8 unless it is gray.

    Pillow decodes it twice: its raw mode for values in big-endian order takes their first bytes,
    which are the high ones of a PNG, and its raw mode for little-endian order the second ones.
    """

    def __init__(self, image: "Image.Image", stream: BinaryIO, color_type: int):
        self.image = image
        self.stream = stream
        self.color_type = color_type

    def headers(self) -> list[ImageHeader]:
        """The header of the image."""
        if self.color_type == 4 or getattr(self.image, "n_frames", 1) > 1:
            raise ValueError(
                "16 bits with transparency in gray, or animated, cannot be read completely, "
                "save it without"
            )
        channels = 1 if self.color_type == 0 else 3
        return [ImageHeader(upright_size(self.image), channels, UINT16)]

    def frames(self) -> Iterator[np.ndarray]:
        """The pixels [H, W, 1 or 3] of the image."""
        turned = orientation(self.image)
        if self.color_type == 0:
            pixels = np.asarray(self.image).astype(np.uint16)[..., None]
        else:
            high = self._bytes(self.image, "B").astype(np.uint16)
            self.stream.seek(0)
            with open_with_pillow(self.stream) as image:
                pixels = high * 256 + self._bytes(image, "L")
        yield upright(pixels, turned)

    @staticmethod
    def _bytes(image: "Image.Image", order: str) -> np.ndarray:
        """One byte of each value [H, W, 3], in the byte order of a raw mode of Pillow."""
        codec, extents, offset, raw_mode = image.tile[0][:4]  # type: ignore[attr-defined]
        tile = (codec, extents, offset, f"{str(raw_mode).partition(';')[0]};16{order}")
        image.tile = [type(image.tile[0])(*tile)]  # type: ignore[attr-defined]
        return np.asarray(image)[..., :3]


def pillow_pixels(image: "Image.Image", channels: int) -> np.ndarray:
    """The pixels [H, W, C] of the current frame as they are stored, not turned."""
    if image.mode in DEEP_TYPES:
        return np.asarray(image).astype(DEEP_TYPES[image.mode], copy=False)[..., None]
    values = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return values[..., None] if channels == 1 else values


def orientation(image: "Image.Image") -> int:
    """How an image of Pillow has to be turned, 1 if not at all."""
    try:
        return image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # damaged metadata do not turn the image
        return 1


def upright_size(image: "Image.Image") -> Size:
    """The size of an image of Pillow once it is turned upright."""
    width, height = image.size
    return (width, height) if orientation(image) in SWAPS_SIDES else (height, width)


def upright(pixels: np.ndarray, turned: int) -> np.ndarray:
    """A view of stored pixels [H, W, C], turned and mirrored as their orientation says."""
    if turned in SWAPS_SIDES:
        pixels = pixels.swapaxes(0, 1)
    if turned in FLIPS_ROWS:
        pixels = pixels[::-1]
    return pixels[:, ::-1] if turned in FLIPS_COLUMNS else pixels
