"""Walks through a latent space, one under the other."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_length, check_pixels
from vaekit.plots.image_grid import (
    CAPTION,
    CHARACTER,
    LINE,
    MARGIN,
    assemble,
    gap_for,
    pixel_size,
    stack,
)
from vaekit.plots.style import styled

WIDEST, LARGEST_TILE, BETWEEN = 5.0, 1.0, 0.16  # inches


@styled
def image_paths(
    images: ArrayLike, labels: Sequence[object], *, ends: ArrayLike | None = None, title: str = ""
) -> Figure:
    """Walks of images [W, T, C, H, W], floats in [0, 1], each as a row from left to right with its label beside it.

    `ends` [P, 2, C, H, W] stand before and behind W / P walks each, which then stand close together. Raises `DataError`
    when the shapes do not fit.

    >>> figure = walks(np.zeros((2, 5, 1, 8, 8)), ["z2", "z1"])
    >>> [axes.get_yticklabels()[0].get_text() for axes in figure.axes]
    ['z2', 'z1']
    """
    images = check_pixels(images, "images", "[W, T, C, H, W]")
    texts = [str(text) for text in check_length(labels, "labels", len(images))]
    gap = gap_for(images)
    strips = [assemble(walk[None], gap) for walk in images]
    groups = len(images)
    if ends is not None:
        outer = _ends(images, ends)
        groups = len(outer)
        strips = [
            _between(strip, *outer[i * groups // len(images)], gap)
            for i, strip in enumerate(strips)
        ]
    return _stacked(strips, texts, len(images) // groups, images.shape[1], title)


def _ends(images: NDArray, ends: ArrayLike) -> NDArray:
    ends = check_pixels(ends, "ends", "[P, 2, C, H, W]")
    if ends.shape[1:] != (2, *images.shape[2:]) or len(images) % len(ends):
        raise DataError(
            f"ends has shape {list(ends.shape)}, images {list(images.shape)}; allowed: two images of the same shape for "
            "every so many walks"
        )
    return ends


def _between(strip: NDArray, first: NDArray, last: NDArray, gap: int) -> NDArray:
    """A walk between two images, which stand apart."""
    apart = np.ones((strip.shape[0], 4 * gap, *strip.shape[2:]), strip.dtype)
    left, right = (assemble(image[None, None]) for image in (first, last))
    return np.concatenate([left, apart, strip, apart, right], axis=1)


def _stacked(
    strips: list[NDArray], texts: list[str], group: int, columns: int, title: str
) -> Figure:
    height, width = strips[0].shape[:2]
    pixel = pixel_size(width, len(strips) * height, min(WIDEST, LARGEST_TILE * columns))
    lines = [text.split("\n") for text in texts]
    room = (
        max(map(len, lines)) * LINE - pixel * height + 0.03
    )  # for labels higher than their images
    below = [
        max(0.04 if (i + 1) % group else BETWEEN if group > 1 else 0.06, room)
        for i in range(len(strips))
    ]
    below[-1] = max(below[-1], MARGIN)
    left = max(len(line) for text in lines for line in text) * CHARACTER * 0.86 + 2 * MARGIN
    figure, axes = stack(strips, pixel, title, left=left, below=below)
    for strip, text in zip(axes, texts, strict=True):
        strip.set_yticks([(height - 1) / 2], [text], fontsize=CAPTION)
    return figure
