"""Images of one or many files as one array."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from vaekit.data.bounds import MAX_IMAGES, check_data_bytes
from vaekit.data.examples import shape_text
from vaekit.data.file_reading import data_errors, reason
from vaekit.data.readers.image_decoding import ImageHeader, open_image, pillow_warnings
from vaekit.data.readers.image_options import ImageOptions, Size
from vaekit.data.skipped import MAX_SHOWN_NAMES
from vaekit.errors import DataError
from vaekit.printable import printable

if TYPE_CHECKING:
    from PIL import Image

PLAIN = ImageOptions()


class MixedSizesError(DataError):
    """Images of more than one size.

    Args:
        problem: Which images differ, as half a sentence.
        size: Height and width of most images.
    """

    def __init__(self, problem: str, size: Size):
        self.problem = problem
        super().__init__(
            f"{problem}. Resize all to one size, such as {shape_text(size)}.", parameter="resize"
        )


class ImageSource(NamedTuple):
    """An image to read, and the name of its examples."""

    file: "str | Path | BinaryIO | Image.Image"
    name: str

    def __str__(self) -> str:
        return str(self.file) if isinstance(self.file, str | Path) else self.name


def pillow_images(data: Any) -> list[ImageSource]:
    """The images of Pillow that data consist of; none if they are anything else."""
    images = data if isinstance(data, list) else [data]
    if not all(hasattr(image, "getexif") for image in images):
        return []
    return [ImageSource(image, f"image {index}") for index, image in enumerate(images)]


class ReadImages(NamedTuple):
    """Examples of images.

    Attributes:
        x: Pixels [N, C, H, W].
        names: The name of each example [N].
        sources: The number of the source that each example is from [N].
        images: The number of the image that each example is from [N]: a file may have several
            images, and an image several tiles.
        unreadable: Reasons by the number of an unreadable source, if such ones are skipped.
        notes: What is worth saying about the images.
    """

    x: np.ndarray
    names: np.ndarray
    sources: np.ndarray
    images: np.ndarray
    unreadable: dict[int, str]
    notes: tuple[str, ...]


def read_images(
    sources: Sequence[ImageSource],
    options: ImageOptions = PLAIN,
    *,
    channels: int | None = None,
    max_frames: int | None = None,
) -> ReadImages:
    """Images as one array, upright and without transparency.

    Each page of a TIFF and each frame of an animation is an image of its own. The values keep
    their type, which must be the same for all images.

    Args:
        sources: At least one image.
        options: Crop, size and tiles; with `skip_unreadable`, files that cannot be read are left
            out.
        channels: The number of channels; default that of the images, RGB if some of them are gray
            and others RGB.
        max_frames: The most images of a file that are read; None for all.

    Raises:
        MixedSizesError: The images have more than one size, and the options give them none.
        DataError: Files are damaged or no images, or differ in type or channels.
    """
    with pillow_warnings():
        return _Reading(sources, options, max_frames).read(channels)


@dataclass
class _Reading:
    """The state of reading many images: headers first, then pixels into one array."""

    sources: Sequence[ImageSource]
    options: ImageOptions
    max_frames: int | None
    failures: dict[int, str] = field(default_factory=dict)
    headers: list[list[ImageHeader]] = field(default_factory=list)

    def read(self, channels: int | None) -> ReadImages:
        """Read all images."""
        self._read_all_headers()
        found = [header for headers in self.headers for header in headers]
        if not found:
            raise self._unreadable()
        if self.failures and not self.options.skip_unreadable:
            self._check_pixels()
            raise self._unreadable()
        self._check_types(found)
        shape = (self._common_channels(found, channels), *self._common_size(found))
        count = sum(self.options.tiles(header.size) for header in found)
        self._check_memory(count, shape, found[0].dtype)
        with data_errors(self.sources[0]):
            x = np.empty((count, *shape), found[0].dtype)
        return self._fill(x)

    def _read_all_headers(self) -> None:
        """The headers of all files; DataError once their images are more than memory may hold."""
        count, size = 0, 0
        for index in range(len(self.sources)):
            headers = self._read_headers(index)
            self.headers.append(headers)
            count += len(headers)
            size += sum(map(self._example_bytes, headers))
            check_data_bytes(size, "the images", parameter=self.options.size_parameter)
            if count > MAX_IMAGES:
                raise DataError(
                    f"there are too many images: got {count:,}, expected at most {MAX_IMAGES:,}. "
                    "Use fewer, or shards."
                )

    def _example_bytes(self, header: ImageHeader) -> int:
        """The bytes of the examples of an image."""
        values = header.channels * math.prod(self.options.example_size(header.size))
        return self.options.tiles(header.size) * values * header.dtype.itemsize

    def _check_memory(self, count: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
        """DataError for more examples than memory may hold, once their shape is known."""
        size = count * math.prod(shape) * dtype.itemsize
        name = f"images of {shape_text(shape)} of {dtype} ({count:,} of them)"
        check_data_bytes(size, name, parameter=self.options.size_parameter)

    def _read_headers(self, index: int) -> list[ImageHeader]:
        try:
            with open_image(self.sources[index].file) as image:
                return image.headers()[: self.max_frames]
        except Exception as error:  # on hostile bytes a decoder may raise anything
            self.failures[index] = reason(error)
            return []

    def _fill(self, x: np.ndarray) -> ReadImages:
        """Read the pixels of all files into `x`; what cannot be read leaves no gap."""
        names: list[str] = []
        sources: list[int] = []
        images: list[int] = []
        for index, headers in enumerate(self.headers):
            start, first = len(names), images[-1] + 1 if images else 0
            try:
                for frame, name, pixels in self._examples(index, len(headers)):
                    x[len(names)] = pixels.transpose(2, 0, 1)
                    names.append(name)
                    images.append(first + frame)
            except Exception as error:  # on hostile bytes a decoder may raise anything
                self.failures[index] = reason(error)
                del names[start:], images[start:]
            sources += [index] * (len(names) - start)
        if not names or (self.failures and not self.options.skip_unreadable):
            raise self._unreadable()
        return ReadImages(
            x[: len(names)],
            np.array(names, object),
            np.array(sources, np.int64),
            np.array(images, np.int64),
            self.failures,
            self.options.notes([each.size for headers in self.headers for each in headers]),
        )

    def _examples(self, index: int, count: int) -> Iterator[tuple[int, str, np.ndarray]]:
        """Number of the frame, name and pixels [H, W, C] of each example of a file."""
        if not count:
            return
        name = printable(self.sources[index].name)
        size = None if self.options.crop else self.options.resize
        with open_image(self.sources[index].file) as image:
            for frame, pixels in enumerate(islice(image.frames(size), count)):
                page = f"{name}[{frame}]" if count > 1 else name
                for (row, column), part in self.options.examples(pixels):
                    tile = f"{page}[{row},{column}]" if self.options.tile else page
                    yield frame, tile, part

    def _check_pixels(self) -> None:
        """Find all files with damaged pixels, so that one message names them all."""
        for index, headers in enumerate(self.headers):
            try:
                for _ in self._examples(index, len(headers)):
                    pass
            except Exception as error:  # on hostile bytes a decoder may raise anything
                self.failures[index] = reason(error)

    def _unreadable(self) -> DataError:
        listed = sorted(self.failures.items())
        if len(self.sources) == 1:
            why = listed[0][1]
            return DataError(f"cannot read {str(self.sources[0])!r}: {why}. Save it again.")
        shown = [f"{str(self.sources[index])!r} ({why})" for index, why in listed]
        more = ", ..." if len(shown) > MAX_SHOWN_NAMES else ""
        return DataError(
            f"cannot read {len(shown):,} of {len(self.sources):,} images: "
            f"{', '.join(shown[:MAX_SHOWN_NAMES])}{more}. "
            "Repair or remove them, or leave them out by data.skip_unreadable."
        )

    # --- What all images have in common ---

    def _first(self, attribute: str) -> dict[Any, str]:
        """The first source for each value of an attribute of the headers, in order."""
        first: dict[Any, str] = {}
        for source, headers in zip(self.sources, self.headers, strict=True):
            for header in headers:
                first.setdefault(getattr(header, attribute), str(source))
        return first

    def _check_types(self, found: list[ImageHeader]) -> None:
        if len({header.dtype for header in found}) == 1:
            return
        (one, first), (other, second), *_ = self._first("dtype").items()
        raise DataError(
            f"images have more than one type of values: {first!r} has {one}, {second!r} has "
            f"{other}. Convert all to one bit depth."
        )

    def _common_channels(self, found: list[ImageHeader], channels: int | None) -> int:
        counts = {header.channels for header in found}
        if channels is not None and counts - {channels, 1}:
            other = next(iter(counts - {channels, 1}))
            raise DataError(
                f"{self._first('channels')[other]!r} has {other} channels, but earlier images "
                f"have {channels}. Use only color images, or only gray ones."
            )
        if channels is not None or counts <= {1, 3} or len(counts) == 1:
            return channels or max(counts)
        (one, first), (other, second), *_ = self._first("channels").items()
        raise DataError(
            f"images have more than one number of channels: {first!r} has {one}, {second!r} has "
            f"{other}. Use images of one kind."
        )

    def _common_size(self, found: list[ImageHeader]) -> Size:
        for each, source in self._first("size").items():
            self.options.check_fits(each, source)
        sizes = Counter(self.options.example_size(header.size) for header in found)
        (size, most), *others = sizes.most_common()
        if others:
            raise MixedSizesError(
                f"images have {len(sizes):,} sizes (height x width): {most:,} of {len(found):,} "
                f"are {shape_text(size)}, {self._image_of_another_size(size)}",
                size,
            )
        return size

    def _image_of_another_size(self, size: Size) -> str:
        """The first image whose examples do not have this size."""
        for source, headers in zip(self.sources, self.headers, strict=True):
            for header in headers:
                if self.options.example_size(header.size) != size:
                    return f"{str(source)!r} is {shape_text(header.size)}"
        raise AssertionError("all images have this size")
