"""A few rows as one small picture, for those who look at data in a notebook."""

import io

import numpy as np

from vaekit.data.support import Support

MOST, COLUMNS = 24, 12
SIDE, APART = 56, 4  # pixels of the longer side of a thumbnail, and between two


def thumbnails(x: np.ndarray, support: Support) -> bytes | None:
    """Raw images [N, C, H, W], some of them spread evenly, as a PNG; None where rows are no images.

    Values are shown as the support has them, from black to white; real ones, which have no scale, over the range of most.
    """
    if x.ndim != 4 or not x.size:
        return None
    from PIL import Image

    rows = _shades(x[np.unique(np.linspace(0, len(x) - 1, MOST).astype(int))], support)
    images = [
        _small(Image.fromarray(row[0] if len(row) == 1 else np.moveaxis(row, 0, -1)))
        for row in rows
    ]
    width, height = images[0].size
    columns = min(COLUMNS, len(images))
    across, down = (
        columns * (width + APART) - APART,
        -(-len(images) // columns) * (height + APART) - APART,
    )
    sheet = Image.new(
        "LA" if rows.shape[1] == 1 else "RGBA", (across, down)
    )  # clear between images, whatever is behind
    for i, image in enumerate(images):
        sheet.paste(image, (i % columns * (width + APART), i // columns * (height + APART)))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _small(image):
    """An image reduced, or magnified a whole number of times, so that one pixel stays one square."""
    from PIL import Image

    times = SIDE // max(image.size)
    if times > 1:
        return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return image


def _shades(x: np.ndarray, support: Support) -> np.ndarray:
    """Bytes [N, 1 or 3, H, W]; of other numbers of channels their mean."""
    x = x.astype(np.float64)
    low, high = 0.0, float(max(1, support.levels - 1))
    if support.kind == "real":
        finite = x[np.isfinite(x)]
        low, high = np.percentile(finite, (0.5, 99.5)) if finite.size else (0.0, 1.0)
    x = np.nan_to_num((x - low) / max(high - low, 1e-12))
    if x.shape[1] not in (1, 3):
        x = x.mean(1, keepdims=True)
    return (np.clip(x, 0, 1) * 255).round().astype(np.uint8)
