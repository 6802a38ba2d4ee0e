"""Many images as one: assembled into sheets, and laid out so that a pixel of the sheet is whole pixels on the page."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vaekit.plots.style import DPI, wrap_title

WIDTH, HEIGHT = 5.6, 9.0  # inches that a sheet should fill, and should not exceed
CAPTION, CHARACTER, LINE = (
    10,
    0.088,
    0.17,
)  # size in points; width and height of a caption's character in inches
NARROWEST, MARGIN = 3.2, 0.12


def in_rows(images: NDArray, columns: int) -> NDArray:
    """[N, C, H, W] as [rows, columns, C, H, W], the last row filled up with white."""
    blank = np.ones((-len(images) % columns, *images.shape[1:]), images.dtype)
    return np.concatenate([images, blank]).reshape(-1, columns, *images.shape[1:])


def assemble(images: NDArray, gap: int = 0) -> NDArray:
    """[rows, columns, C, H, W] as one picture [h, w] or [h, w, 3], with `gap` white pixels between neighbours."""
    rows, columns, channels, height, width = images.shape
    sheet = np.ones((rows, height + gap, columns, width + gap, channels), images.dtype)
    sheet[:, :height, :, :width] = images.transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * (height + gap), columns * (width + gap), channels)
    sheet = sheet[: sheet.shape[0] - gap, : sheet.shape[1] - gap]
    return sheet[..., 0] if channels == 1 else sheet


def gap_for(images: NDArray) -> int:
    """A thin white line between images, in their own pixels."""
    return max(1, images.shape[-1] // 24)


def centres(count: int, size: int, gap: int = 0) -> NDArray:
    """Where the middle of each tile lies along one axis of a sheet, in `imshow` coordinates."""
    return np.arange(count) * (size + gap) + (size - 1) / 2


def pixel_size(width: int, height: int, widest: float = WIDTH) -> float:
    """Inches of one pixel of a sheet: a whole number of saved pixels where there is room, less where it must shrink."""
    room = min(min(WIDTH, widest) / width, HEIGHT / height) * DPI
    return (max(1, round(room)) if room > 0.95 else room) / DPI


def caption(text: str, inches: float, lines: int = 2) -> str:
    """`text` in at most so many lines of so many inches."""
    across = max(3, int(inches / CHARACTER))
    broken = textwrap.wrap(text.replace("/", "/ "), across, break_on_hyphens=False) or [""]
    if len(broken) > lines:
        broken = [*broken[: lines - 1], broken[lines - 1][: across - 1] + "…"]
    return "\n".join(broken).replace("/ ", "/")


def stack(
    strips: Sequence[NDArray],
    pixel: float,
    title: str = "",
    *,
    left: float = MARGIN,
    below: float | Sequence[float] = MARGIN,
) -> tuple[Figure, list[Axes]]:
    """Pictures of one size, one under the other, with `left` and `below` (or one for each) inches for what is written."""
    below = list(below) if isinstance(below, Sequence) else [below] * len(strips)
    height, width = (pixel * side for side in strips[0].shape[:2])
    across = max(NARROWEST, left + width + MARGIN)
    heading = wrap_title(title, across)
    top = MARGIN + (0.08 + 0.22 * len(heading.splitlines()) if title else 0)
    down = top + len(strips) * height + sum(below)
    figure = Figure(figsize=(across, down))
    if title:
        figure.suptitle(heading, y=1 - MARGIN / down, va="top")
    axes = []
    for index, strip in enumerate(strips):
        bottom = down - top - (index + 1) * height - sum(below[:index])
        axes.append(figure.add_axes((left / across, bottom / down, width / across, height / down)))
        show(axes[-1], strip, pixel)
    return figure, axes


def show(axes: Axes, strip: NDArray, pixel: float) -> None:
    """A picture alone, each of its pixels so many inches wide."""
    interpolation = "antialiased" if pixel * DPI < 1 else "nearest"
    axes.imshow(strip, cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation=interpolation)
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
