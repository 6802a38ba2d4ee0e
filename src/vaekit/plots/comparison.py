"""Several runs beside each other: one column each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_pixels
from vaekit.plots.class_labels import distinct_labels
from vaekit.plots.image_grid import CAPTION, LINE, MARGIN, assemble, centres, gap_for, in_rows, show
from vaekit.plots.scatter import draw_histograms, draw_points, grouped, window
from vaekit.plots.style import DPI, MUTED, shorten_start, styled, wrap_title

COLUMN, APART, TALLEST = 2.9, 0.72, 1.0  # inches of a column, left of it, and of an image
MOST = 8
ABOVE, AXIS = 0.32, 0.55  # inches above each row, and below the codes
CODES = "Codes of the same rows, by class"
PAIRS = "Originals, and their reconstructions below"
MOVED = "One code pushed away"
SAMPLES = "Decoded samples from the prior"
BELOW = {PAIRS: MARGIN, MOVED: LINE + MARGIN, SAMPLES: MARGIN}


@dataclass(frozen=True)
class Column:
    """What one run shows. name, note: its heading.

    points: codes [N, 2] or [N, 1]; axes: their names. originals, decoded: the same K rows [K, C, H, W]. moved: R codes
    pushed S steps away [R, S, C, H, W]; steps: how far each, as "0.5 sd" or "25%". samples: [M, C, H, W]. No originals where
    the rows are no images.
    """

    name: str
    points: ArrayLike
    axes: tuple[str, str]
    originals: ArrayLike | None = None
    decoded: ArrayLike = ()
    moved: ArrayLike = ()
    steps: Sequence[str] = ()
    samples: ArrayLike = ()
    note: str = ""


@styled
def comparison(
    columns: Sequence[Column],
    labels: ArrayLike | None = None,
    classes: Sequence[str] = (),
    *,
    title: str = "",
) -> Figure:
    """Runs beside each other: codes, the same rows and their reconstructions, one code pushed away, samples of the prior.

    `labels` [N] are those of the codes, and `classes` their names. Every scatter has its own scale. Raises `DataError`
    for fewer than 2 or more than 8 columns, and for arrays whose shapes do not fit.

    >>> columns = [Column(name, np.eye(4)[:, :2], ("z1", "z2")) for name in ("one", "two")]
    >>> [axes.get_xlabel() for axes in comparison(columns).axes]
    ['z1', 'z1']
    """
    if not 2 <= len(columns) <= MOST:
        raise DataError(f"{len(columns)} columns were given; allowed: 2 to {MOST}")
    strips = [_strips(column) for column in columns]
    tile = 0 if columns[0].originals is None else np.shape(columns[0].originals)[-2]
    pixel = min((_pixel(strip, tile) for strip in strips[0].values()), default=0.0)
    heights = {name: pixel * strip.shape[0] + BELOW[name] for name, strip in strips[0].items()}
    width = 2 * MARGIN + len(columns) * (COLUMN + APART)
    heading = wrap_title(title, width)
    top = 2 * MARGIN + 0.22 * len(heading.splitlines()) + 0.52
    page = _Page(width, top + ABOVE + COLUMN + AXIS + sum(heights.values()) + ABOVE * len(heights))
    if title:
        page.figure.suptitle(heading, y=1 - MARGIN / page.height, va="top")
    for index, column in enumerate(columns):
        page.text(index, top - 0.28, shorten_start(column.name, 27), fontsize=13, weight="bold")
        page.text(index, top - 0.08, column.note, color=MUTED)
        _codes(page.axes(index, top + ABOVE, COLUMN, COLUMN), column, labels, classes)
    page.text(0, top + ABOVE - 0.1, CODES if labels is not None else CODES.split(",")[0])
    top += ABOVE + COLUMN + AXIS
    for name, height in heights.items():
        page.text(0, top + ABOVE - 0.1, name + (_how_far(columns) if name == MOVED else ""))
        for index, column in enumerate(columns):
            strip = strips[index][name]
            axes = page.axes(index, top + ABOVE, pixel * strip.shape[1], pixel * strip.shape[0])
            show(axes, strip, pixel)
            if name == MOVED:
                _write_steps(axes, column)
        top += ABOVE + height
    return page.figure


def _how_far(columns: Sequence[Column]) -> str:
    """What the steps are measured in."""
    units = [
        step.split()[-1] if " " in step else "%" for column in columns for step in column.steps
    ]
    said = {"sd": "by standard deviations of all codes", "%": "by % of it replaced"}
    return ": " + ", or ".join(text for unit, text in said.items() if unit in units)


class _Page:
    """A figure measured in inches from its top, in columns."""

    def __init__(self, width: float, height: float):
        self.figure, self.width, self.height = Figure(figsize=(width, height)), width, height

    def left(self, column: int) -> float:
        return APART + column * (COLUMN + APART)

    def text(self, column: int, down: float, text: str, **look) -> None:
        self.figure.text(self.left(column) / self.width, 1 - down / self.height, text, **look)

    def axes(self, column: int, down: float, width: float, height: float) -> Axes:
        bottom = self.height - down - height
        place = (
            self.left(column) / self.width,
            bottom / self.height,
            width / self.width,
            height / self.height,
        )
        return self.figure.add_axes(place)


def _strips(column: Column) -> dict[str, NDArray]:
    """The pictures of one column by their names."""
    if column.originals is None:
        return {}
    shape = "[K, C, H, W]"
    originals, decoded = (
        check_pixels(column.originals, "originals", shape),
        check_pixels(column.decoded, "decoded", shape),
    )
    moved, samples = (
        check_pixels(column.moved, "moved", "[R, S, C, H, W]"),
        check_pixels(column.samples, "samples", shape),
    )
    gap, across = gap_for(originals), len(originals)
    return {
        PAIRS: assemble(np.stack([originals, decoded]), gap),
        MOVED: assemble(moved, gap),
        SAMPLES: assemble(in_rows(samples, across), gap),
    }


def _pixel(strip: NDArray, tile: int) -> float:
    """Inches of one pixel: a whole number of saved pixels where there is room for it."""
    room = min(COLUMN / strip.shape[1], TALLEST / tile) * DPI
    return (int(room) if room >= 1 else room) / DPI


def _codes(axes: Axes, column: Column, labels: ArrayLike | None, classes: Sequence[str]) -> None:
    mu = check_finite(column.points, "points", "[N, 2]", "[N, 1]").astype(np.float64)
    numbers, groups = grouped(labels, classes, len(mu))
    axes.set_xlabel(column.axes[0])
    if mu.shape[1] == 1:
        draw_histograms(axes, mu, numbers, groups)
        shown = distinct_labels(
            [text.get_text() for text in axes.get_yticklabels()], lambda name: name[:6]
        )
        axes.set_yticks(axes.get_yticks(), shown, va="bottom")
        return
    low, high = window(mu)
    centre, reach = (low + high) / 2, (high - low).max() / 2
    draw_points(axes, mu, numbers, groups, centre - reach, centre + reach, COLUMN)
    axes.set_ylabel(column.axes[1])
    axes.yaxis.set_label_coords(-0.52 / COLUMN, 0.5)
    axes.locator_params(nbins=6, steps=[1, 2, 5, 10])


def _write_steps(axes: Axes, column: Column) -> None:
    moved = np.asarray(column.moved)
    axes.set_xticks(
        centres(len(column.steps), moved.shape[-1], gap_for(moved)),
        list(column.steps),
        fontsize=CAPTION,
    )
