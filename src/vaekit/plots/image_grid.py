"""Layout of many images: assembled into one array, drawn so that its pixels stay sharp."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaekit.plots.style import DPI, add_title, wrap_title

WIDTH = 5.6
"""Inches that images should fill."""
MAX_HEIGHT = 9.0
MIN_WIDTH = 3.2
MARGIN = 0.12
CAPTION_SIZE = 10
"""Font size of captions in points."""
CHARACTER_WIDTH = 0.088
"""Inches of a character of a caption."""
LINE_HEIGHT = 0.17
"""Inches of a line of a caption."""
TITLE_LINE_HEIGHT = 0.22
MIN_CAPTION_CHARACTERS = 3
PIXELS_PER_GAP = 24
MIN_SHARP_PIXELS = 0.95


def arrange(images: NDArray, columns: int) -> NDArray:
    """Images [N, C, H, W] as [rows, columns, C, H, W]; white images fill the last row."""
    blank = np.ones((-len(images) % columns, *images.shape[1:]), images.dtype)
    return np.concatenate([images, blank]).reshape(-1, columns, *images.shape[1:])


def assemble(images: NDArray, gap: int = 0) -> NDArray:
    """Images [rows, columns, C, H, W] as one image [h, w] or [h, w, 3], `gap` pixels apart."""
    rows, columns, channels, height, width = images.shape
    sheet = np.ones((rows, height + gap, columns, width + gap, channels), images.dtype)
    sheet[:, :height, :, :width] = images.transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * (height + gap), columns * (width + gap), channels)
    sheet = sheet[: sheet.shape[0] - gap, : sheet.shape[1] - gap]
    return sheet[..., 0] if channels == 1 else sheet


def gap_width(images: NDArray) -> int:
    """Pixels of the white line between images [..., W]."""
    return max(1, images.shape[-1] // PIXELS_PER_GAP)


def centers(count: int, size: int, gap: int = 0) -> NDArray:
    """The centers [count] of tiles along one axis, in coordinates of `imshow`."""
    return np.arange(count) * (size + gap) + (size - 1) / 2


def pixel_size(width: int, height: int, max_width: float = WIDTH) -> float:
    """Inches of one pixel of an image: a multiple of saved pixels, if it needs not shrink."""
    room = min(min(WIDTH, max_width) / width, MAX_HEIGHT / height) * DPI
    if room > MIN_SHARP_PIXELS:
        return max(1, round(room)) / DPI
    return room / DPI


def wrap_caption(text: str, inches: float, lines: int = 2) -> str:
    """A caption in at most `lines` lines of `inches` width."""
    characters = max(MIN_CAPTION_CHARACTERS, int(inches / CHARACTER_WIDTH))
    breakable = text.replace("/", "/ ")
    wrapped = textwrap.wrap(breakable, characters, break_on_hyphens=False) or [""]
    if len(wrapped) > lines:
        last = wrapped[lines - 1][: characters - 1] + "…"
        wrapped = [*wrapped[: lines - 1], last]
    return "\n".join(wrapped).replace("/ ", "/")


def stack_strips(
    strips: Sequence[NDArray],
    pixel: float,
    title: str = "",
    *,
    left: float = MARGIN,
    below: float | Sequence[float] = MARGIN,
) -> tuple[Figure, list[Axes]]:
    """A figure with images one under the other.

    Args:
        strips: Images of one size.
        pixel: Inches of one of their pixels.
        title: The title.
        left: Inches for text on the left.
        below: Inches for text below each image, or one number per image.

    Returns:
        The figure, and the axes of each image.
    """
    room = list(below) if isinstance(below, Sequence) else [below] * len(strips)
    height, width = (pixel * side for side in strips[0].shape[:2])
    figure_width = max(MIN_WIDTH, left + width + MARGIN)
    heading = wrap_title(title, figure_width)
    top = MARGIN
    if title:
        top += 0.08 + TITLE_LINE_HEIGHT * len(heading.splitlines())
    figure_height = top + len(strips) * height + sum(room)
    figure = Figure(figsize=(figure_width, figure_height))
    add_title(figure, title, y=1 - MARGIN / figure_height, va="top")

    axes = []
    bounds = np.array([figure_width, figure_height, figure_width, figure_height])
    for index, strip in enumerate(strips):
        bottom = figure_height - top - (index + 1) * height - sum(room[:index])
        position = np.array([left, bottom, width, height]) / bounds
        axes.append(figure.add_axes(tuple(position.tolist())))
        show_image(axes[-1], strip, pixel)
    return figure, axes


def show_image(axes: Axes, image: NDArray, pixel: float) -> None:
    """Show an image without ticks or frame; each of its pixels is `pixel` inches wide."""
    interpolation = "antialiased" if pixel * DPI < 1 else "nearest"
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation=interpolation)
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
