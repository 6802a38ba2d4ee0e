"""A sheet of small images of a few examples, for datasets in a notebook."""

import io

import numpy as np

from vaekit.data.examples import evenly_spaced_indices
from vaekit.data.shown_range import shown_range
from vaekit.data.support import Support

MAX_THUMBNAILS = 24
COLUMNS = 12
SIDE = 56
"""Pixels of the longer side of a thumbnail."""
GAP = 4
"""Pixels between thumbnails."""


def thumbnails(x: np.ndarray, support: Support) -> bytes | None:
    """Draw some of the images of a dataset, spread evenly, on one sheet.

    Values are shown as `shown_range` says.

    Args:
        x: Raw images [N, C, H, W].
        support: Their support.

    Returns:
        A PNG; None unless the examples are images.

    >>> png = thumbnails(np.zeros((3, 1, 8, 8), np.uint8), Support("integers", 256))
    >>> png[1:4]
    b'PNG'
    """
    if x.ndim != 4 or not x.size:
        return None
    from PIL import Image

    shades = _shades(x[evenly_spaced_indices(len(x), MAX_THUMBNAILS)], support)
    images = [_small(Image.fromarray(_channels_last(pixels))) for pixels in shades]
    width, height = images[0].size
    columns = min(COLUMNS, len(images))
    rows = -(-len(images) // columns)
    sheet_size = (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP)
    # Transparent between the images, on any background.
    sheet = Image.new("LA" if shades.shape[1] == 1 else "RGBA", sheet_size)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        sheet.paste(image, (column * (width + GAP), row * (height + GAP)))

    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _channels_last(pixels: np.ndarray) -> np.ndarray:
    return pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)


def _small(image):
    """An image reduced, or enlarged by a whole factor so that each pixel stays one square."""
    from PIL import Image

    factor = SIDE // max(image.size)
    if factor > 1:
        size = (image.width * factor, image.height * factor)
        return image.resize(size, Image.Resampling.NEAREST)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return image


def _shades(x: np.ndarray, support: Support) -> np.ndarray:
    """Bytes [N, 1 or 3, H, W]; the mean of the channels for other numbers of channels."""
    x = x.astype(np.float64)
    low, high = shown_range(x, support)
    x = np.nan_to_num((x - low) / max(high - low, 1e-12))
    if x.shape[1] not in (1, 3):
        x = x.mean(1, keepdims=True)
    return (np.clip(x, 0, 1) * 255).round().astype(np.uint8)
