"""The decoded images of a grid of latent codes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_pixels
from vaekit.plots.image_grid import (
    CHARACTER_WIDTH,
    MARGIN,
    assemble,
    centers,
    pixel_size,
    stack_strips,
)
from vaekit.plots.style import format_number, styled

MAX_TILE = 2.4
"""Inches of the largest image."""
LEFT = 0.84
"""Inches of the coordinates on the left."""
BELOW = 0.6
MAX_DECIMALS = 4
PRECISION = 50
"""Coordinates are written to this fraction of the distance between them."""


@styled
def decoded_grid(
    images: ArrayLike,
    across: ArrayLike,
    down: ArrayLike,
    *,
    axis_names: tuple[str, str] = ("z1", "z2"),
    title: str = "",
) -> Figure:
    """Draw the decoded images of a grid of latent codes, with the coordinates on both axes.

    Args:
        images: Floats in [0, 1], [rows, columns, C, H, W].
        across: The first latent coordinate of each column, ascending [columns].
        down: The second latent coordinate of each row, ascending [rows]; the largest is at the
            top.
        axis_names: The names of the coordinates; an axis with an empty name has no ticks.
        title: The title.

    Returns:
        The figure.

    Raises:
        DataError: Arrays whose shapes or values do not fit.

    >>> figure = decoded_grid(np.zeros((3, 2, 1, 8, 8)), across=[-1, 1], down=[-2, 0, 2])
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['−2', '0', '2']
    """
    images = check_pixels(images, "images", "[rows, columns, C, H, W]")
    across = check_finite(across, "across", "[columns]")
    down = check_finite(down, "down", "[rows]")
    if images.shape[:2] != (len(down), len(across)):
        raise DataError.for_value(
            "images",
            list(images.shape[:2]),
            f"{[len(down), len(across)]} as down and across have coordinates",
            problem="images has the wrong numbers of rows and columns",
        )
    sheet = assemble(images[::-1])
    pixel = pixel_size(sheet.shape[1], sheet.shape[0], MAX_TILE * len(across))
    left = LEFT if axis_names[1] else MARGIN
    figure, (axes,) = stack_strips([sheet], pixel, title, left=left, below=BELOW)
    height, width = images.shape[-2:]
    columns, column_texts = _tick_labels(across, pixel * width)
    rows, row_texts = _tick_labels(down, pixel * height)
    axes.set_xticks(centers(len(across), width)[columns], column_texts)
    axes.set_yticks(centers(len(down), height)[::-1][rows], row_texts)
    _label_axes(axes, axis_names)
    axes.yaxis.set_label_coords(-0.62 / (pixel * sheet.shape[1]), 0.5)
    return figure


def _label_axes(axes: Axes, names: tuple[str, str]) -> None:
    axes.tick_params(length=3)
    for axis, name in zip((axes.xaxis, axes.yaxis), names, strict=True):
        axis.set_label_text(name)
        if not name:
            axis.set_ticks([])


def _tick_labels(coordinates: NDArray, tile: float) -> tuple[NDArray, list[str]]:
    """The indices of evenly spaced coordinates that fit tiles of `tile` inches, and their texts."""
    for stride in range(1, len(coordinates)):
        indices = np.arange(0, len(coordinates), stride)
        texts = _short_numbers(coordinates[indices])
        needed = (max(map(len, texts)) + 1) * CHARACTER_WIDTH
        if stride * tile >= needed:
            return indices, texts
    return np.zeros(1, int), _short_numbers(coordinates[:1])


def _short_numbers(values: NDArray) -> list[str]:
    """Numbers with as few decimals as their distance needs."""
    distance = abs(float(values[0]))
    if len(values) > 1:
        distance = np.abs(np.diff(values)).min()
    for decimals in range(MAX_DECIMALS + 1):
        if np.abs(np.round(values, decimals) - values).max() <= distance / PRECISION:
            return [format_number(float(value), decimals) for value in values]
    return [f"{value:.3g}".replace("-", "−") for value in values]
