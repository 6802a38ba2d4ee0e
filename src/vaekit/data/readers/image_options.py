"""Options of images: crop, resize and tile; of image files also groups and unreadable ones."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from vaekit.data.bounds import MAX_IMAGE_PIXELS
from vaekit.data.examples import shape_text
from vaekit.errors import ConfigError, DataError

Size = tuple[int, int]
"""Height and width."""

SIZES = ("crop", "resize", "tile")
GROUPS = (None, "folder")


class Tile(NamedTuple):
    """A part of an image.

    Attributes:
        corner: Row and column of its first pixel.
        pixels: Its pixels [h, w, C].
    """

    corner: Size
    pixels: np.ndarray


@dataclass(frozen=True)
class ImageOptions:
    """How images become examples: cropped first, then resized, then cut into tiles.

    Args:
        resize: Height and width of all images; None to keep their own.
        crop: Height and width that are cut from the center.
        tile: Height and width of tiles that do not overlap; what remains on the right and at the
            bottom is left out.
        group: "folder": examples of one folder stay in one split.
        skip_unreadable: Whether to leave out unreadable files.

    Raises:
        ConfigError: A size, or the group, is invalid.

    >>> ImageOptions(resize=(64, 64), tile=(32, 32)).tiles((480, 640))
    4
    """

    resize: Size | None = None
    crop: Size | None = None
    tile: Size | None = None
    group: Literal["folder"] | None = None
    skip_unreadable: bool = False

    def __post_init__(self):
        for name in SIZES:
            _check_size(name, getattr(self, name))
        if self.group not in GROUPS:
            raise ConfigError.for_value("group", self.group, "'folder', or None")

    def check_unused(self, source: object, allowed: tuple[str, ...] = ()) -> None:
        """ConfigError for an option that is set, but has no effect on a source."""
        for name, value in vars(self).items():
            if value not in (None, False) and name not in allowed:
                raise ConfigError(
                    f"{name} is for image files only, but {str(source)!r} is none. "
                    f"Leave {name} out.",
                    parameter=name,
                )

    def prepared(self, size: Size) -> Size:
        """The size of an image of some size before it is cut into tiles."""
        return self.resize or self.crop or size

    def example_size(self, size: Size) -> Size:
        """The size of the examples of an image."""
        return self.tile or self.prepared(size)

    def tiles(self, size: Size) -> int:
        """The number of examples of an image of some size."""
        if self.tile is None:
            return 1
        height, width = self.prepared(size)
        return (height // self.tile[0]) * (width // self.tile[1])

    @property
    def has_size(self) -> bool:
        """Whether examples differ from images."""
        return any(getattr(self, name) is not None for name in SIZES)

    @property
    def size_parameter(self) -> str | None:
        """The option that decides on the size of the examples, if any."""
        return next((name for name in ("tile", "resize", "crop") if getattr(self, name)), None)

    def check_fits(self, size: Size, source: object) -> None:
        """DataError for an option that does not fit into an image of some size."""
        for name, whole in (("crop", size), ("tile", self.prepared(size))):
            part = getattr(self, name)
            if part is not None and not _fits(part, whole):
                raise DataError.for_value(
                    name,
                    f"{source} of {shape_text(size)}",
                    f"at least {shape_text(part)} (height x width)",
                    problem=f"an image is smaller than {name}",
                    fix=f"Use a smaller {name}, or remove small images",
                )

    def notes(self, sizes: Collection[Size]) -> tuple[str, ...]:
        """The part of the pixels of images of some sizes that tiles leave out."""
        if self.tile is None:
            return ()
        total = sum(math.prod(self.prepared(size)) for size in sizes)
        used = sum(self.tiles(size) * math.prod(self.tile) for size in sizes)
        if used == total:
            return ()
        return (
            f"tiles of {shape_text(self.tile)} leave out {1 - used / total:.1%} of the pixels, on "
            "the right and at the bottom of the images.",
        )

    def examples(self, pixels: np.ndarray) -> Iterator[Tile]:
        """The examples of an image.

        Args:
            pixels: The image [H, W, C].
        """
        if self.crop is not None:
            pixels = _center(pixels, self.crop)
        if self.resize is not None and pixels.shape[:2] != self.resize:
            pixels = resized(pixels, self.resize)
        if self.tile is None:
            yield Tile((0, 0), pixels)
            return
        height, width = self.tile
        for row in range(0, len(pixels) - height + 1, height):
            for column in range(0, pixels.shape[1] - width + 1, width):
                part = pixels[row : row + height, column : column + width]
                yield Tile((row, column), part)


def groups_of_tiles(images: np.ndarray, parts: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """The groups of tiles, one for each image, unless there are fewer images than parts to draw.

    Args:
        images: The number of the image of each tile [N].
        parts: The number of parts that are drawn from the tiles: training, validation, test.

    Returns:
        The groups, or None and a note that says so.
    """
    count = len(np.unique(images))
    if count >= parts:
        return images, ()
    of_images = "one image" if count == 1 else f"{count} images"
    return None, (
        f"all tiles are parts of {of_images}, so that training, validation and test share images: "
        "metrics say nothing about other images. Add images.",
    )


def resized(pixels: np.ndarray, size: Size) -> np.ndarray:
    """An image [H, W, C] of another size, averaged where it shrinks; integers are rounded."""
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        return _resized(pixels, size)
    return np.stack([_resized(channel, size) for channel in np.moveaxis(pixels, -1, 0)], -1)


def _resized(pixels: np.ndarray, size: Size) -> np.ndarray:
    from PIL import Image

    if pixels.dtype == bool:
        return _resized(pixels.astype(np.uint8), size).astype(bool)
    exact = pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)
    image = Image.fromarray(np.ascontiguousarray(exact))
    values = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR))
    if pixels.dtype.kind in "iu" and pixels.dtype != np.uint8:
        bounds = np.iinfo(pixels.dtype)
        values = np.clip(np.round(values.astype(np.float64)), bounds.min, bounds.max)
    return values.astype(pixels.dtype, copy=False)


def _center(pixels: np.ndarray, size: Size) -> np.ndarray:
    top = (pixels.shape[0] - size[0]) // 2
    left = (pixels.shape[1] - size[1]) // 2
    return pixels[top : top + size[0], left : left + size[1]]


def _fits(inner: Size, outer: Size) -> bool:
    return inner[0] <= outer[0] and inner[1] <= outer[1]


def _check_size(name: str, size: Any) -> None:
    if size is None:
        return
    is_pair = isinstance(size, tuple | list) and len(size) == 2
    if not is_pair or not all(type(side) is int and side > 0 for side in size):
        expected = "height and width, two whole numbers above 0, as in (64, 64)"
        raise ConfigError.for_value(name, size, expected)
    if math.prod(size) > MAX_IMAGE_PIXELS:
        raise ConfigError.for_value(
            name,
            shape_text(tuple(size)),
            f"at most {MAX_IMAGE_PIXELS:,} pixels",
            problem=f"{name} is too large",
        )
