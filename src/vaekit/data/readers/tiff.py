"""TIFF of any bit depth, number of channels and number of pages.

tifffile reads the structure. Pillow decodes pages that it represents completely, such as
photographs of 8 bits per channel in any compression and color space; tifffile decodes all others.
Only the pages of the file count, never what metadata say about other files. A page is an image, or
a channel of one where the description of a microscope says so.
"""

import logging
import lzma
import math
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from vaekit.data.bounds import MAX_IMAGE_PIXELS, MAX_TIFF_PAGES, MAX_TIFF_TAG_BYTES
from vaekit.data.readers.image_decoding import (
    EXIF_ORIENTATION,
    SWAPS_SIDES,
    UINT8,
    ImageHeader,
    open_with_pillow,
    orientation,
    pillow_pixels,
    upright,
)
from vaekit.data.readers.image_options import Size
from vaekit.data.readers.tiff_channels import pages_by_channel

if TYPE_CHECKING:
    from PIL import Image
    from tifffile import TiffFile, TiffPage

IMAGEJ_COUNT = re.compile(r"^images=(\d{1,7})$", re.MULTILINE)
"""The number of images in the description of a file by ImageJ."""

WHITE_IS_ZERO = 0
PALETTE = 3
PHOTO_COLORS = {0: 1, 1: 1, 2: 3, PALETTE: 1, 5: 4, 6: 3, 8: 3}
"""The number of color channels by photometric interpretation: gray, gray, RGB, palette, CMYK,
YCbCr, CIELAB."""
PILLOW_DEEP_TYPES = (np.dtype(np.uint16), np.dtype(np.float32), np.dtype(np.int32))

UNCOMPRESSED = 1
DEFLATE = (8, 32946)
LZMA = 34925
TRUSTED_DEFLATE_BYTES = 2**18
TRUSTED_LZMA_BYTES = 2**15
"""Compressed bytes that cannot expand to more than some 256 MiB."""
COMPRESSION_OVERHEAD_BYTES = 2**16
"""Bytes that values may gain by compression, besides doubling."""


@contextmanager
def open_tiff(stream: BinaryIO) -> "Iterator[TiffImage]":
    """Open a TIFF; errors of any type on damaged content."""
    from tifffile import TiffFile

    stream.seek(0)
    log = _ErrorLog()
    counted: Any = _CountedTags(stream)
    with log.attached(), TiffFile(counted, is_ome=False) as tiff:  # OME may name other files
        image = TiffImage(tiff, stream, log)
        counted.left = math.inf
        yield image


class _CountedTags:
    """A file that reads no more than a number of bytes for the tags of all pages: they become
    Python objects, and a sparse file may have any number of them."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.left: float = MAX_TIFF_TAG_BYTES
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Some bytes; ValueError once they are too many."""
        self._count(math.inf if size < 0 else size)
        return self.file.read(size)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; ValueError once the bytes are too many."""
        self._count(memoryview(buffer).nbytes)
        return self.file.readinto(buffer)  # type: ignore[attr-defined]

    def _count(self, size: float) -> None:
        self.left -= size
        if self.left < 0:
            raise ValueError(f"its tags have more than {MAX_TIFF_TAG_BYTES:,} bytes")


class TiffImage:
    """The pages of a TIFF that are images, without thumbnails and masks."""

    def __init__(self, tiff: "TiffFile", stream: BinaryIO, log: "_ErrorLog"):
        self.stream = stream
        self.byte_order = tiff.byteorder
        self.pages = _image_pages(_all_pages(tiff))
        if log.about_pages or not self.pages:
            raise ValueError("the file is truncated, or its list of pages is damaged")
        for page in self.pages:
            _check_page(page, tiff.filehandle.size)
        self.hidden_count = _imagej_count(self.pages, tiff.filehandle.size)
        self.pillow = _LazyPillow(stream)

    def headers(self) -> list[ImageHeader]:
        """The header of each image: a page, or pages that are its channels."""
        headers = self._page_headers()
        return [
            headers[pages[0]]._replace(channels=sum(headers[page].channels for page in pages))
            for pages in self._images(headers)
        ]

    def frames(self, size: Size | None = None) -> Iterator[np.ndarray]:
        """The pixels [H, W, C] of each image in its own size, upright, without transparency."""
        for pages in self._images(self._page_headers()):
            yield np.concatenate([self._pixels(page) for page in pages], -1)

    def _page_headers(self) -> list[ImageHeader]:
        return [_header(page) for page in self.pages for _ in range(self.hidden_count)]

    def _images(self, headers: list[ImageHeader]) -> np.ndarray:
        """The numbers of the pages of each image [N, C]; channels have equal headers."""
        first = self.pages[0]
        is_gray = headers[0].channels == 1 and len(set(headers)) == 1
        description = first.description if is_gray else ""
        return pages_by_channel(description, len(headers), is_imagej=first.is_imagej)

    def _pixels(self, number: int) -> np.ndarray:
        if self.hidden_count > 1:
            return self._hidden(self.pages[0], number)
        page = self.pages[number]
        return self.pillow.pixels(page) if _is_photo(page) else self._decoded(page, self.pillow)

    def _hidden(self, page: "TiffPage", number: int) -> np.ndarray:
        """One of the images behind the first one, which ImageJ does not list as pages."""
        dtype = _dtype(page).newbyteorder("<" if self.byte_order == "<" else ">")
        size = math.prod(page.shape) * dtype.itemsize
        self.stream.seek(page.dataoffsets[0] + number * size)
        values = np.frombuffer(self.stream.read(size), dtype).reshape(page.shape)
        return _finished(page, values)

    def _decoded(self, page: "TiffPage", pillow: "_LazyPillow") -> np.ndarray:
        _check_expansion(page, self.stream)
        try:
            return _finished(page, page.asarray())
        except Exception as error:
            if "imagecodecs" not in str(error):
                raise
            if page.samplesperpixel == 1 and _dtype(page) in PILLOW_DEEP_TYPES:
                return pillow.pixels(page)
            compression = getattr(page.compression, "name", page.compression)
            raise ValueError(
                f"its compression {compression} needs the package imagecodecs, "
                "install it with pip install imagecodecs"
            ) from None


class _LazyPillow:
    """The same file in Pillow, opened when the first page needs it, and once for all pages."""

    def __init__(self, stream: BinaryIO):
        self.stream = stream

    @cached_property
    def image(self) -> "Image.Image":
        """The image of Pillow."""
        return open_with_pillow(self.stream)

    def pixels(self, page: "TiffPage") -> np.ndarray:
        """The pixels [H, W, C] of a page, upright, without transparency and black at zero."""
        header = _header(page)
        self.image.seek(page.index)
        pixels = pillow_pixels(self.image, header.channels)
        pixels = upright(pixels, orientation(self.image))  # decoding may have turned it
        if pixels.dtype != header.dtype:
            raise ValueError(f"Pillow reads {pixels.dtype} in place of {header.dtype}")
        return pixels if _is_photo(page) else _inverted(page, pixels)


class _ErrorLog(logging.Handler):
    """Keeps what tifffile would log: damaged lists of pages, that it reads as far as it can."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.about_pages = False

    def emit(self, record: logging.LogRecord) -> None:
        """Note whether the message is about the list of pages."""
        self.about_pages |= "TiffPages" in record.getMessage()

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Receive the messages of tifffile and Pillow instead of everyone else."""
        loggers = [logging.getLogger(name) for name in ("tifffile", "PIL.TiffImagePlugin")]
        before = [logger.propagate for logger in loggers]
        for logger in loggers:
            logger.propagate = False
            logger.addHandler(self)
        try:
            yield
        finally:
            for logger, propagates in zip(loggers, before, strict=True):
                logger.removeHandler(self)
                logger.propagate = propagates


# --- Pages ---------------------------------------------------------------------------------------


def _all_pages(tiff: "TiffFile") -> "list[TiffPage]":
    """All pages of the list, which must not run in a circle."""
    pages: list[Any] = []
    offsets = set()
    while len(pages) < MAX_TIFF_PAGES:
        try:
            page = tiff.pages.get(len(pages))
        except IndexError:
            return pages
        if page.offset in offsets:
            raise ValueError("its list of pages runs in a circle")
        offsets.add(page.offset)
        pages.append(page)
    raise ValueError(f"it has more than {MAX_TIFF_PAGES:,} pages")


def _image_pages(pages: "list[TiffPage]") -> "list[TiffPage]":
    """The pages without reduced images and masks, unless there is nothing else."""
    images = [page for page in pages if not (page.is_reduced or page.is_mask)]
    return images or pages[:1]


def _check_page(page: "TiffPage", file_size: int) -> None:
    """ValueError for a page that is too large, of an unknown type, or truncated."""
    if _pixels(page.shape) > MAX_IMAGE_PIXELS or _pixels(page.chunks) > MAX_IMAGE_PIXELS:
        raise ValueError(f"a page has the size {page.shape}, more than {MAX_IMAGE_PIXELS:,} values")
    if 0 in page.shape or _dtype(page).kind not in "biuf":
        raise ValueError(f"a page has values of an unknown type or no values: {page.dtype}")
    largest = 2 * math.prod(page.chunks) * _dtype(page).itemsize + COMPRESSION_OVERHEAD_BYTES
    if page.compression != UNCOMPRESSED and max(page.databytecounts, default=0) > largest:
        raise ValueError("its compressed values have more bytes than the values")
    ends = [sum(pair) for pair in zip(page.dataoffsets, page.databytecounts, strict=False)]
    is_sparse = 0 in page.databytecounts
    expected = 0 if page.compression != UNCOMPRESSED or is_sparse else _packed_bytes(page)
    if max(ends, default=0) > file_size or sum(page.databytecounts) < expected:
        raise ValueError("the file is truncated")


def _pixels(shape: tuple[int, ...]) -> int:
    return math.prod(shape)


def _packed_bytes(page: "TiffPage") -> int:
    """The bytes of the values, as if bits needed no padding."""
    if _is_photo(page) and page.photometric == 6:  # color is stored for several pixels at once
        return 0
    return math.prod(page.shape) * _bits(page) // 8


def _bits(page: "TiffPage") -> int:
    bits = page.bitspersample
    return min(bits) if isinstance(bits, tuple) else bits


def _dtype(page: "TiffPage") -> np.dtype:
    return np.dtype("V1") if page.dtype is None else page.dtype.newbyteorder("=")


def _imagej_count(pages: "list[TiffPage]", file_size: int) -> int:
    """The number of images in a file of one page, behind which ImageJ writes the others."""
    page = pages[0]
    found = IMAGEJ_COUNT.search(page.description) if page.is_imagej else None
    if found is None or len(pages) > 1 or page.compression != UNCOMPRESSED:
        return 1
    count = int(found[1])
    size = math.prod(page.shape) * _dtype(page).itemsize
    if count > MAX_TIFF_PAGES:
        raise ValueError(f"it has {count:,} images, expected at most {MAX_TIFF_PAGES:,}")
    if count > 1 and (not page.is_contiguous or page.dataoffsets[0] + count * size > file_size):
        raise ValueError(f"the file is truncated: its description names {count} images")
    return max(1, count)


# --- Pixels --------------------------------------------------------------------------------------


def _header(page: "TiffPage") -> ImageHeader:
    height, width = page.imagelength, page.imagewidth
    size = (width, height) if _turned(page) in SWAPS_SIDES else (height, width)
    if not _is_photo(page):
        return ImageHeader(size, page.samplesperpixel - _alphas(page), _dtype(page))
    is_gray = page.photometric in (0, 1)
    return ImageHeader(size, 1 if is_gray else 3, UINT8)


def _turned(page: "TiffPage") -> int:
    value = page.tags.valueof(EXIF_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _alphas(page: "TiffPage") -> int:
    """The number of channels of transparency; other additional channels are data."""
    count = sum(int(sample) in (1, 2) for sample in page.extrasamples)
    return min(count, page.samplesperpixel - 1)


def _is_photo(page: "TiffPage") -> bool:
    """Whether Pillow represents a page completely, by 8 bits in gray or RGB."""
    colors = PHOTO_COLORS.get(page.photometric)
    has_bytes = _bits(page) <= 8 and page.sampleformat == 1
    return has_bytes and colors == page.samplesperpixel - _alphas(page)


def _finished(page: "TiffPage", values: np.ndarray) -> np.ndarray:
    """Stored values as pixels [H, W, C], upright, without transparency and black at zero."""
    if page.photometric == PALETTE:
        raise ValueError(f"a palette of {_bits(page)} bits cannot be read, save it as RGB")
    axes = page.axes.replace("Z", "") if page.axes else ""
    if "S" not in axes:
        values = values[..., None]
    elif axes.startswith("S"):
        values = np.moveaxis(values, 0, -1)
    values = values.reshape(page.imagelength, page.imagewidth, -1)
    values = values[..., : page.samplesperpixel - _alphas(page)]
    values = values.astype(_dtype(page), copy=False)
    return upright(_inverted(page, values), _turned(page))


def _inverted(page: "TiffPage", values: np.ndarray) -> np.ndarray:
    """Values whose black is zero, of a page whose white is."""
    if page.photometric != WHITE_IS_ZERO or values.dtype.kind != "u":
        return values
    return values.dtype.type(2 ** _bits(page) - 1) - values


def _check_expansion(page: "TiffPage", stream: BinaryIO) -> None:
    """ValueError if compressed values would need more memory than the page declares."""
    size = math.prod(page.chunks) * _dtype(page).itemsize
    trusted, decompressor = math.inf, zlib.decompressobj
    if page.compression in DEFLATE:
        trusted = TRUSTED_DEFLATE_BYTES
    elif page.compression == LZMA:
        trusted, decompressor = TRUSTED_LZMA_BYTES, lzma.LZMADecompressor
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if count <= trusted:
            continue
        stream.seek(offset)
        if len(decompressor().decompress(stream.read(count), size + 1)) > size:
            raise ValueError("its content expands to more than its header declares")
