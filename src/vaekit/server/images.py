"""Bodies that are a PNG or a JPEG: bounded before anything is decoded."""

from collections.abc import Collection
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from vaekit.data.file_reading import reason
from vaekit.data.readers.image_decoding import pillow_warnings
from vaekit.data.readers.image_options import SIZES
from vaekit.errors import DataError
from vaekit.server.http_errors import HTTPError
from vaekit.server.service import Service

IMAGES = {"image/png": "PNG", "image/jpeg": "JPEG"}
"""Formats of Pillow by media type."""
START_OF_SCAN = b"\xff\xda"
MAX_SCANS = 100
"""Scans of a JPEG; progressive ones have about ten, and each takes the time of a whole image."""
MAX_SHOWN = 300


def read_image(service: Service, max_pixels: int, media: str, body: bytes) -> np.ndarray:
    """The example [1, C, H, W] of a body, as the service makes examples of images.

    Args:
        service: The service.
        max_pixels: The most pixels of an image.
        media: The media type of the body.
        body: The image.

    Raises:
        HTTPError: 400 for a damaged image, 413 for too many pixels, 422 for a size that the
            service does not take.
        DataError: The image does not fit the crop of the service.
    """
    with pillow_warnings():
        size = _check_header(media, body, max_pixels)
    if service.image_sizes is not None and size not in service.image_sizes:
        raise _wrong_size(size, service.image_sizes)
    try:
        return service.read_image(BytesIO(body))
    except DataError as error:
        if error.parameter in SIZES:
            raise
        raise _damaged(media, error) from None


def _check_header(media: str, body: bytes, max_pixels: int) -> tuple[int, int]:
    """Width and height; HTTPError unless a header declares one image of at most `max_pixels`."""
    try:
        image: Any = Image.open(BytesIO(body), formats=[IMAGES[media]])
        frames = getattr(image, "n_frames", 1) if media == "image/png" else 1
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels("more", max_pixels) from None
    except Image.UnidentifiedImageError:
        raise _damaged(media, ValueError("it is damaged, or of another type")) from None
    except Exception as error:  # on hostile bytes a decoder may raise anything
        raise _damaged(media, error) from None
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise _too_many_pixels(f"{pixels:,}", max_pixels)
    if frames > 1:
        raise _damaged(media, ValueError("it is an animation"))
    if media == "image/jpeg" and body.count(START_OF_SCAN) > MAX_SCANS:
        raise _damaged(media, ValueError(f"it has more than {MAX_SCANS} scans"))
    return image.size


def _wrong_size(size: tuple[int, int], sizes: Collection[tuple[int, int]]) -> HTTPError:
    expected = " or ".join(f"{width} x {height}" for width, height in sorted(sizes))
    return HTTPError(
        422,
        f"the image has the wrong size: got {size[0]} x {size[1]} pixels, expected "
        f"{expected or 'none, because examples are no images'}. Resize it.",
    )


def _too_many_pixels(got: str, max_pixels: int) -> HTTPError:
    return HTTPError(
        413,
        f"the image has too many pixels: got {got}, expected at most {max_pixels:,}. "
        "Send a smaller image.",
    )


def _damaged(media: str, error: Exception) -> HTTPError:
    why = reason(error)[:MAX_SHOWN]
    return HTTPError(400, f"the body cannot be read as {media}: {why}. Send one whole image.")
