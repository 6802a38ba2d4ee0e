"""Rows of images with a label each: paths through a latent space, or samples by class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_length, check_pixels
from vaekit.plots.image_grid import (
    CAPTION_SIZE,
    CHARACTER_WIDTH,
    LINE_HEIGHT,
    MARGIN,
    assemble,
    gap_width,
    pixel_size,
    stack_strips,
)
from vaekit.plots.style import styled

MAX_WIDTH = 5.0
"""Inches of a row."""
MAX_TILE = 1.0
"""Inches of the largest image."""
ROW_GAP = 0.06
GAP_WITHIN_GROUP = 0.04
GAP_BETWEEN_GROUPS = 0.16


@styled
def image_rows(
    images: ArrayLike, labels: Sequence[object], *, ends: ArrayLike | None = None, title: str = ""
) -> Figure:
    """Draw rows of images from left to right, with a label on the left of each.

    Args:
        images: Floats in [0, 1], [R, T, C, H, W] for R rows of T images.
        labels: One label per row.
        ends: Images before and behind each of G groups of R / G rows, [G, 2, C, H, W]; the rows
            of a group are close together.
        title: The title.

    Returns:
        The figure, one axes per row.

    Raises:
        DataError: Arrays whose shapes or values do not fit.

    >>> figure = image_rows(np.zeros((2, 5, 1, 8, 8)), ["z2", "z1"])
    >>> [axes.get_yticklabels()[0].get_text() for axes in figure.axes]
    ['z2', 'z1']
    """
    images = check_pixels(images, "images", "[R, T, C, H, W]")
    texts = [str(text) for text in check_length(labels, "labels", len(images))]
    gap = gap_width(images)
    strips = [assemble(row[None], gap) for row in images]
    rows_per_group = 1
    if ends is not None:
        groups = _checked_ends(images, ends)
        rows_per_group = len(images) // len(groups)
        strips = [
            _between(strip, groups[index // rows_per_group], gap)
            for index, strip in enumerate(strips)
        ]
    return _draw(strips, texts, rows_per_group, images.shape[1], title)


def _checked_ends(images: NDArray, ends: ArrayLike) -> NDArray:
    array = check_pixels(ends, "ends", "[G, 2, C, H, W]")
    shape = (2, *images.shape[2:])
    if array.shape[1:] != shape or len(images) % len(array):
        raise DataError.for_value(
            "ends",
            list(array.shape),
            f"[G, {', '.join(map(str, shape))}] with G a divisor of {len(images)}",
            problem="ends has the wrong shape",
        )
    return array


def _between(strip: NDArray, ends: NDArray, gap: int) -> NDArray:
    """A row of images between two images, with white space around it."""
    space = np.ones((strip.shape[0], 4 * gap, *strip.shape[2:]), strip.dtype)
    first, last = (assemble(image[None, None]) for image in ends)
    return np.concatenate([first, space, strip, space, last], axis=1)


def _draw(
    strips: list[NDArray], texts: list[str], rows_per_group: int, columns: int, title: str
) -> Figure:
    height, width = strips[0].shape[:2]
    pixel = pixel_size(width, len(strips) * height, min(MAX_WIDTH, MAX_TILE * columns))
    lines = [text.split("\n") for text in texts]
    label_height = max(map(len, lines)) * LINE_HEIGHT
    overhang = label_height - pixel * height + 0.03  # of labels higher than their images
    below = [max(gap, overhang) for gap in _gaps(len(strips), rows_per_group)]
    below[-1] = max(below[-1], MARGIN)
    label_width = max(len(line) for text in lines for line in text) * CHARACTER_WIDTH * 0.86
    left = label_width + 2 * MARGIN
    figure, axes = stack_strips(strips, pixel, title, left=left, below=below)
    for strip_axes, text in zip(axes, texts, strict=True):
        strip_axes.set_yticks([(height - 1) / 2], [text], fontsize=CAPTION_SIZE)
    return figure


def _gaps(rows: int, rows_per_group: int) -> list[float]:
    """Inches below each row."""
    if rows_per_group == 1:
        return [ROW_GAP] * rows
    is_last = [(row + 1) % rows_per_group == 0 for row in range(rows)]
    return [GAP_BETWEEN_GROUPS if last else GAP_WITHIN_GROUP for last in is_last]
