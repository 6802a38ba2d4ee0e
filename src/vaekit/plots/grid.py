"""Sheets of images: the decoder's map of the latent plane, and samples side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length, check_pixels
from vaekit.plots.image_grid import (
    CAPTION,
    CHARACTER,
    LINE,
    MARGIN,
    WIDTH,
    assemble,
    caption,
    centres,
    gap_for,
    in_rows,
    pixel_size,
    stack,
)
from vaekit.plots.style import number, styled

LARGEST_TILE = 2.4


@styled
def decoded_grid(
    images: ArrayLike,
    across: ArrayLike,
    down: ArrayLike,
    *,
    names: tuple[str, str] = ("z1", "z2"),
    title: str = "",
) -> Figure:
    """The decoded images of a lattice of latent points, laid out like a map with its coordinates on both axes.

    `images` [rows, columns, C, H, W] are floats in [0, 1]; row i belongs to `down[i]` (the second latent coordinate)
    and column j to `across[j]` (the first). Coordinates are given in ascending order; the largest of `down` is drawn
    at the top. `names` are those of the axes; one without a name has no coordinates. Raises `DataError` when the shapes
    do not fit.

    >>> figure = decoded_grid(np.zeros((3, 2, 1, 8, 8)), across=[-1, 1], down=[-2, 0, 2])
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['−2', '0', '2']
    """
    images = check_pixels(images, "images", "[rows, columns, C, H, W]")
    across, down = check_finite(across, "across", "[columns]"), check_finite(down, "down", "[rows]")
    if images.shape[:2] != (len(down), len(across)):
        raise DataError(
            f"images has {images.shape[0]} rows and {images.shape[1]} columns, but down has {len(down)} coordinates "
            f"and across {len(across)}; allowed: one coordinate for each"
        )
    whole = assemble(images[::-1])
    pixel = pixel_size(whole.shape[1], whole.shape[0], LARGEST_TILE * len(across))
    figure, (axes,) = stack([whole], pixel, title, left=0.84 if names[1] else MARGIN, below=0.6)
    height, width = images.shape[-2:]
    (columns, column_labels), (rows, row_labels) = (
        _labels(across, pixel * width),
        _labels(down, pixel * height),
    )
    axes.set_xticks(centres(len(across), width)[columns], column_labels)
    axes.set_yticks(centres(len(down), height)[::-1][rows], row_labels)
    axes.tick_params(length=3)
    for axis, name in zip((axes.xaxis, axes.yaxis), names, strict=True):
        if not name:
            axis.set_ticks([])
    axes.set(xlabel=names[0], ylabel=names[1])
    axes.yaxis.set_label_coords(-0.62 / (pixel * whole.shape[1]), 0.5)
    return figure


@styled
def sheet(
    images: ArrayLike,
    columns: int | None = None,
    *,
    title: str = "",
    captions: Sequence[object] | None = None,
    width: float = WIDTH,
) -> Figure:
    """Images [N, C, H, W], floats in [0, 1], in reading order on one near-square sheet, each with its caption if given.

    `width`: the inches that they fill at most.

    >>> len(sheet(np.zeros((10, 3, 16, 16)), captions=range(10)).axes)  # a captioned sheet is drawn row by row
    3
    """
    images = check_pixels(images, "images", "[N, C, H, W]")
    texts = (
        None
        if captions is None
        else [str(text) for text in check_length(captions, "captions", len(images))]
    )
    columns = _near_square(images) if columns is None else columns
    if columns < 1:
        raise DataError(f"columns is {columns}; allowed: 1 or more")
    rows, gap = in_rows(images, min(columns, len(images))), gap_for(images)
    whole = assemble(rows, gap)
    pixel = pixel_size(whole.shape[1], whole.shape[0], min(width, LARGEST_TILE * rows.shape[1]))
    if texts is None:
        return stack([whole], pixel, title)[0]
    return _captioned(rows, gap, pixel, title, texts)


def _captioned(rows: NDArray, gap: int, pixel: float, title: str, texts: list[str]) -> Figure:
    count, width = rows.shape[1], rows.shape[-1]
    texts = [caption(text, pixel * width) for text in texts]
    lines = max(text.count("\n") + 1 for text in texts)
    figure, axes = stack(
        [assemble(row[None], gap) for row in rows], pixel, title, below=MARGIN + lines * LINE
    )
    for index, strip in enumerate(axes):
        here = texts[index * count : (index + 1) * count]
        strip.set_xticks(centres(count, width, gap)[: len(here)], here, fontsize=CAPTION)
    return figure


def _near_square(images: NDArray) -> int:
    height, width = images.shape[-2:]
    return max(1, int(np.ceil(np.sqrt(len(images) * height / width))))


def _labels(coordinates: NDArray, tile: float) -> tuple[NDArray, list[str]]:
    """Which of the coordinates to write, and how: as many as there is room for, at an even distance."""
    stride = 1
    while True:
        shown = np.arange(0, len(coordinates), stride)
        texts = _numbers(coordinates[shown])
        needed = (max(map(len, texts)) + 1) * CHARACTER
        if stride * tile >= needed or len(shown) == 1:
            return shown, texts
        stride += 1


def _numbers(values: NDArray) -> list[str]:
    """Numbers with as few decimals as say where they lie, up to a fiftieth of their distance."""
    gap = np.abs(np.diff(values)).min() if len(values) > 1 else abs(float(values[0]))
    for decimals in range(5):
        if np.abs(np.round(values, decimals) - values).max() <= gap / 50:
            return [number(float(value), decimals) for value in values]
    return [f"{value:.3g}".replace("-", "−") for value in values]
