"""Several runs side by side, one column each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_pixels
from vaekit.plots.class_labels import distinct_labels
from vaekit.plots.image_grid import (
    CAPTION_SIZE,
    LINE_HEIGHT,
    MARGIN,
    TITLE_LINE_HEIGHT,
    arrange,
    assemble,
    centers,
    gap_width,
    show_image,
)
from vaekit.plots.scatter import (
    axis_limits,
    check_points,
    draw_histograms,
    draw_points,
    group_by_class,
)
from vaekit.plots.style import DPI, MUTED, add_title, shorten_start, styled, wrap_title

COLUMN_WIDTH = 2.9
COLUMN_GAP = 0.72
"""Inches left of a column."""
MAX_TILE_HEIGHT = 1.0
"""Inches of the highest image."""
MIN_COLUMNS = 2
MAX_COLUMNS = 8
HEADING_HEIGHT = 0.32
"""Inches above each row of the plot."""
AXIS_HEIGHT = 0.55
"""Inches below the latent codes."""
MAX_NAME_CHARACTERS = 27
MAX_CLASS_CHARACTERS = 6

CODES = "Latent codes of the same examples"
PAIRS = "Originals, and their reconstructions below"
PERTURBED = "One latent code, perturbed"
SAMPLES = "Decoded samples from the prior"
BELOW = {PAIRS: MARGIN, PERTURBED: LINE_HEIGHT + MARGIN, SAMPLES: MARGIN}
"""Inches below the images of each row of the plot."""
STEP_UNITS = {"sd": "in standard deviations of all codes", "%": "in % of it replaced"}


@dataclass(frozen=True)
class Column:
    """The column of one run.

    Attributes:
        name: The name of the run.
        points: Latent codes [N, 2] or [N, 1].
        axes: Names of their axes.
        originals: Examples [K, C, H, W], the same in every column; None if they are not images.
        decoded: Their reconstructions [K, C, H, W].
        perturbed: One latent code perturbed in S steps in each of R ways, decoded,
            [R, S, C, H, W].
        steps: The size of each step, such as "0.5 sd" or "25%".
        samples: Samples from the prior [M, C, H, W].
        note: A line below the name.

    >>> Column("conv", np.zeros((4, 2)), ("z1", "z2")).originals is None
    True
    """

    name: str
    points: ArrayLike
    axes: tuple[str, str]
    originals: ArrayLike | None = None
    decoded: ArrayLike = ()
    perturbed: ArrayLike = ()
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
    """Draw runs side by side: codes, reconstructions, a perturbed code and samples of each.

    Args:
        columns: 2 to 8 runs.
        labels: Class of each code, integers from 0 [N].
        classes: Names of the classes.
        title: The title.

    Returns:
        The figure; every scatter plot has its own scale.

    Raises:
        DataError: Another number of columns, or arrays whose shapes or values do not fit.

    >>> columns = [Column(name, np.eye(4)[:, :2], ("z1", "z2")) for name in ("one", "two")]
    >>> [axes.get_xlabel() for axes in comparison(columns).axes]
    ['z1', 'z1']
    """
    if not MIN_COLUMNS <= len(columns) <= MAX_COLUMNS:
        raise DataError.for_value(
            "columns",
            len(columns),
            f"{MIN_COLUMNS} to {MAX_COLUMNS}",
            problem="wrong number of columns",
        )
    strips = [_strips(column) for column in columns]
    pixel = _pixel_size(columns[0], strips[0])
    heights = {name: pixel * strip.shape[0] + BELOW[name] for name, strip in strips[0].items()}
    width = 2 * MARGIN + len(columns) * (COLUMN_WIDTH + COLUMN_GAP)
    heading = wrap_title(title, width)
    top = 2 * MARGIN + TITLE_LINE_HEIGHT * len(heading.splitlines()) + 0.52
    codes_height = HEADING_HEIGHT + COLUMN_WIDTH + AXIS_HEIGHT
    images_height = sum(heights.values()) + HEADING_HEIGHT * len(heights)
    page = _Page(width, top + codes_height + images_height)
    add_title(page.figure, title, y=1 - MARGIN / page.height, va="top")

    _draw_headings(page, columns, top)
    _draw_codes(page, columns, top, labels, classes)
    top += codes_height
    for name, height in heights.items():
        _draw_strips(page, name, columns, [each[name] for each in strips], top, pixel)
        top += HEADING_HEIGHT + height
    return page.figure


class _Page:
    """A figure measured in inches from its top, in columns."""

    def __init__(self, width: float, height: float):
        self.figure = Figure(figsize=(width, height))
        self.width = width
        self.height = height

    def left(self, column: int) -> float:
        return COLUMN_GAP + column * (COLUMN_WIDTH + COLUMN_GAP)

    def text(self, column: int, top: float, text: str, **look) -> None:
        self.figure.text(self.left(column) / self.width, 1 - top / self.height, text, **look)

    def axes(self, column: int, top: float, width: float, height: float) -> Axes:
        left = self.left(column) / self.width
        bottom = (self.height - top - height) / self.height
        return self.figure.add_axes((left, bottom, width / self.width, height / self.height))


def _draw_headings(page: _Page, columns: Sequence[Column], top: float) -> None:
    for index, column in enumerate(columns):
        name = shorten_start(column.name, MAX_NAME_CHARACTERS)
        page.text(index, top - 0.28, name, fontsize=13, weight="bold")
        page.text(index, top - 0.08, column.note, color=MUTED)


# --- Latent codes --------------------------------------------------------------------------------


def _draw_codes(
    page: _Page,
    columns: Sequence[Column],
    top: float,
    labels: ArrayLike | None,
    classes: Sequence[str],
) -> None:
    heading = CODES if labels is None else f"{CODES}, by class"
    page.text(0, top + HEADING_HEIGHT - 0.1, heading)
    for index, column in enumerate(columns):
        axes = page.axes(index, top + HEADING_HEIGHT, COLUMN_WIDTH, COLUMN_WIDTH)
        points = check_points(column.points, "points")
        checked, groups = group_by_class(labels, classes, len(points))
        axes.set_xlabel(column.axes[0])
        if points.shape[1] == 1:
            draw_histograms(axes, points, checked, groups)
            _shorten_tick_labels(axes)
        else:
            _draw_scatter(axes, points, checked, groups)
            axes.set_ylabel(column.axes[1])


def _shorten_tick_labels(axes: Axes) -> None:
    names = [text.get_text() for text in axes.get_yticklabels()]
    short = distinct_labels(names, lambda name: name[:MAX_CLASS_CHARACTERS])
    axes.set_yticks(axes.get_yticks(), short, va="bottom")


def _draw_scatter(
    axes: Axes, points: NDArray, labels: NDArray | None, groups: dict[int, str]
) -> None:
    """Points on square axes."""
    low, high = axis_limits(points)
    center = (low + high) / 2
    reach = (high - low).max() / 2
    draw_points(axes, points, labels, groups, center - reach, center + reach, COLUMN_WIDTH)
    axes.yaxis.set_label_coords(-0.52 / COLUMN_WIDTH, 0.5)
    axes.locator_params(nbins=6, steps=[1, 2, 5, 10])


# --- Images --------------------------------------------------------------------------------------


def _strips(column: Column) -> dict[str, NDArray]:
    """The assembled images of one column by heading."""
    if column.originals is None:
        return {}
    originals = check_pixels(column.originals, "originals", "[K, C, H, W]")
    decoded = check_pixels(column.decoded, "decoded", "[K, C, H, W]")
    perturbed = check_pixels(column.perturbed, "perturbed", "[R, S, C, H, W]")
    samples = check_pixels(column.samples, "samples", "[M, C, H, W]")
    gap = gap_width(originals)
    return {
        PAIRS: assemble(np.stack([originals, decoded]), gap),
        PERTURBED: assemble(perturbed, gap),
        SAMPLES: assemble(arrange(samples, len(originals)), gap),
    }


def _pixel_size(column: Column, strips: dict[str, NDArray]) -> float:
    """Inches of one pixel: a multiple of saved pixels, if it needs not shrink."""
    if column.originals is None:
        return 0.0
    height = np.shape(column.originals)[-2]
    width = max(strip.shape[1] for strip in strips.values())
    room = min(COLUMN_WIDTH / width, MAX_TILE_HEIGHT / height) * DPI
    return (int(room) if room >= 1 else room) / DPI


def _draw_strips(
    page: _Page,
    name: str,
    columns: Sequence[Column],
    strips: Sequence[NDArray],
    top: float,
    pixel: float,
) -> None:
    """One row of the plot."""
    heading = name
    if name == PERTURBED:
        heading += f": {_step_units(columns)}"
    page.text(0, top + HEADING_HEIGHT - 0.1, heading)
    for index, (column, strip) in enumerate(zip(columns, strips, strict=True)):
        height, width = (pixel * side for side in strip.shape[:2])
        axes = page.axes(index, top + HEADING_HEIGHT, width, height)
        show_image(axes, strip, pixel)
        if name == PERTURBED:
            _label_steps(axes, column)


def _step_units(columns: Sequence[Column]) -> str:
    """The units of the steps of all columns, in words."""
    steps = [step for column in columns for step in column.steps]
    units = {step.split()[-1] if " " in step else "%" for step in steps}
    return ", or ".join(text for unit, text in STEP_UNITS.items() if unit in units)


def _label_steps(axes: Axes, column: Column) -> None:
    perturbed = np.asarray(column.perturbed)
    ticks = centers(len(column.steps), perturbed.shape[-1], gap_width(perturbed))
    axes.set_xticks(ticks, list(column.steps), fontsize=CAPTION_SIZE)
