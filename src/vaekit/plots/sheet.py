"""A sheet of images in reading order, such as samples."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_length, check_pixels
from vaekit.plots.image_grid import (
    CAPTION_SIZE,
    LINE_HEIGHT,
    MARGIN,
    WIDTH,
    arrange,
    assemble,
    centers,
    gap_width,
    pixel_size,
    stack_strips,
    wrap_caption,
)
from vaekit.plots.style import styled

MAX_TILE = 2.4
"""Inches of the largest image."""


@styled
def sheet(
    images: ArrayLike,
    columns: int | None = None,
    *,
    title: str = "",
    captions: Sequence[object] | None = None,
    width: float = WIDTH,
) -> Figure:
    """Draw images in reading order on one sheet.

    Args:
        images: Floats in [0, 1], [N, C, H, W].
        columns: Images per row; default a near-square sheet.
        title: The title.
        captions: One caption per image.
        width: Inches that the images fill at most.

    Returns:
        The figure: one axes, or one per row if there are captions.

    Raises:
        DataError: Arrays whose shapes or values do not fit.

    >>> len(sheet(np.zeros((10, 3, 16, 16)), captions=range(10)).axes)
    3
    """
    images = check_pixels(images, "images", "[N, C, H, W]")
    texts = None
    if captions is not None:
        texts = [str(text) for text in check_length(captions, "captions", len(images))]
    if columns is None:
        columns = _near_square_columns(images)
    if columns < 1:
        raise DataError.for_value("columns", columns, "a number of at least 1")
    rows = arrange(images, min(columns, len(images)))
    gap = gap_width(images)
    assembled = assemble(rows, gap)
    max_width = min(width, MAX_TILE * rows.shape[1])
    pixel = pixel_size(assembled.shape[1], assembled.shape[0], max_width)
    if texts is None:
        return stack_strips([assembled], pixel, title)[0]
    return _captioned_sheet(rows, gap, pixel, title, texts)


def _captioned_sheet(
    rows: NDArray, gap: int, pixel: float, title: str, captions: list[str]
) -> Figure:
    columns = rows.shape[1]
    width = rows.shape[-1]
    texts = [wrap_caption(text, pixel * width) for text in captions]
    lines = max(text.count("\n") + 1 for text in texts)
    strips = [assemble(row[None], gap) for row in rows]
    figure, axes = stack_strips(strips, pixel, title, below=MARGIN + lines * LINE_HEIGHT)
    for index, strip_axes in enumerate(axes):
        row_texts = texts[index * columns : (index + 1) * columns]
        ticks = centers(columns, width, gap)[: len(row_texts)]
        strip_axes.set_xticks(ticks, row_texts, fontsize=CAPTION_SIZE)
    return figure


def _near_square_columns(images: NDArray) -> int:
    height, width = images.shape[-2:]
    return max(1, int(np.ceil(np.sqrt(len(images) * height / width))))
