"""Decode one image file: a header and an array for each of its frames."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, cast

import numpy as np

from vaekit.data.bounds import MAX_FILE_PIXELS, MAX_FRAMES
from vaekit.data.readers.image_options import Size
from vaekit.files.regular import open_regular

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

BILINEAR = 2
"""The filter of Pillow, which averages where an image shrinks."""
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

    def frames(self, size: Size | None = None) -> Iterator[np.ndarray]:
        """The pixels [H, W, C] of each frame, upright and without transparency.

        Args:
            size: The size that the frames are going to have; they may have it already.
        """
        ...


@contextmanager
def open_image(file: "str | Path | BinaryIO | Image.Image") -> Iterator[DecodedImage]:
    """Open an image, which is a file or an image of Pillow.

    Call it within `pillow_warnings`, and expect errors of any type on damaged content.
    """
    if hasattr(file, "getexif"):
        yield PillowImage(file, is_file=False)  # type: ignore[arg-type]
        return
    with ExitStack() as stack:
        if isinstance(file, str | Path):
            stream = stack.enter_context(open_regular(file))
        else:
            stream = cast(BinaryIO, file)
        stream.seek(0)
        start = stream.read(PNG_START_BYTES)
        if start[:4] in TIFF_MARKS:
            from vaekit.data.readers.tiff import open_tiff

            yield stack.enter_context(open_tiff(stream))
        elif start.startswith(PNG_MARK) and start[24:25] == b"\x10":
            yield DeepPng(stream, start[25])
        else:
            yield PillowImage(open_with_pillow(stream))


def open_with_pillow(stream: BinaryIO) -> "Image.Image":
    """An image of Pillow; ValueError for content that is none."""
    from PIL import Image, UnidentifiedImageError

    stream.seek(0)
    try:
        return Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError("it is damaged, or no image") from None


@contextmanager
def pillow_warnings() -> Iterator[None]:
    """Let too many pixels be an error, and notes about metadata and palettes be none."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


class PillowImage:
    """An image that Pillow represents completely: 8 bits per channel, or one channel."""

    def __init__(self, image: "Image.Image", *, is_file: bool = True):
        self.image = image
        is_animated = is_file and image.format in ANIMATED_FORMATS
        self.count: int = getattr(image, "n_frames", 1) if is_animated else 1
        if self.count > 1:
            _check_frames(self.count, image.width * image.height)

    def headers(self) -> list[ImageHeader]:
        """The header of each frame, all alike."""
        dtype = DEEP_TYPES.get(self.image.mode, UINT8)
        header = ImageHeader(upright_size(self.image), self._channels(), dtype)
        return [header] * self.count

    def frames(self, size: Size | None = None) -> Iterator[np.ndarray]:
        """The pixels [H, W, C] of each frame."""
        channels = self._channels()
        for index in range(self.count):
            if self.count > 1:
                self.image.seek(index)
            turned = orientation(self.image)
            pixels = pillow_pixels(self.image, channels, size if turned == 1 else None)
            yield upright(pixels, turned)

    def _channels(self) -> int:
        return 1 if self.image.mode in DEEP_TYPES or self._is_gray() else 3

    def _is_gray(self) -> bool:
        """Whether all frames are gray; each may have colors of its own."""
        if self.count == 1:
            return has_gray_mode(self.image)
        for index in range(self.count):
            self.image.seek(index)
            if not (has_gray_mode(self.image) or has_gray_pixels(self.image)):
                return False
        return True


def _check_frames(count: int, pixels: int) -> None:
    """ValueError for a file that declares too many frames, before one is decoded."""
    if count > MAX_FRAMES or count * pixels > MAX_FILE_PIXELS:
        raise ValueError(
            f"it has {count:,} frames of {pixels:,} pixels, expected at most {MAX_FRAMES:,} "
            f"frames and {MAX_FILE_PIXELS:,} pixels"
        )


class DeepPng:
    """A PNG of 16 bits per channel, which Pillow reduces to 8 unless it is gray.

    Pillow decodes it twice: its raw mode for values in big-endian order takes their first bytes,
    which are the high ones of a PNG, and its raw mode for little-endian order the second ones.
    """

    def __init__(self, stream: BinaryIO, color_type: int):
        self.image = open_with_pillow(stream)
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

    def frames(self, size: Size | None = None) -> Iterator[np.ndarray]:
        """The pixels [H, W, 1 or 3] of the image, in its own size."""
        if self.color_type == 0:
            pixels = np.asarray(self.image).astype(np.uint16)[..., None]
        else:
            high = self._bytes(self.image, "B").astype(np.uint16)
            pixels = high * 256 + self._bytes(open_with_pillow(self.stream), "L")
        yield upright(pixels, orientation(self.image))  # which decodes the image

    @staticmethod
    def _bytes(image: "Image.Image", order: str) -> np.ndarray:
        """One byte of each value [H, W, 3], in the byte order of a raw mode of Pillow."""
        codec, extents, offset, raw_mode = image.tile[0][:4]  # type: ignore[attr-defined]
        tile = (codec, extents, offset, f"{str(raw_mode).partition(';')[0]};16{order}")
        image.tile = [type(image.tile[0])(*tile)]  # type: ignore[attr-defined]
        return np.asarray(image)[..., :3]


def has_gray_mode(image: "Image.Image") -> bool:
    """Whether an image of Pillow can have no colors, by its mode or its palette."""
    if image.mode == "P" and (palette := image.getpalette()):
        return palette[::3] == palette[1::3] == palette[2::3]
    return image.mode in GRAY_MODES


def has_gray_pixels(image: "Image.Image") -> bool:
    """Whether a frame has no colors; Pillow turns gray frames of an animation into RGB."""
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    return np.array_equal(red, green) and np.array_equal(green, blue)


def pillow_pixels(image: "Image.Image", channels: int, size: Size | None = None) -> np.ndarray:
    """The pixels [H, W, C] of the current frame as they are stored, not turned; in another size if
    they are bytes."""
    if image.mode in DEEP_TYPES:
        return np.asarray(image).astype(DEEP_TYPES[image.mode], copy=False)[..., None]
    converted = image.convert("L" if channels == 1 else "RGB")
    if size is not None and converted.size != (size[1], size[0]):
        converted = converted.resize((size[1], size[0]), BILINEAR)
    values = np.asarray(converted)
    return values[..., None] if channels == 1 else values


def orientation(image: "Image.Image") -> int:
    """How an image of Pillow has to be turned, 1 if not at all."""
    if image.format == "PNG":
        image.load()  # otherwise reading metadata does it, and hides that the pixels are damaged
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
