"""Bars of many values, the largest first: latent dimensions, or codes of a codebook."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from vaekit.plots.array_checks import check_finite, check_length, wrong_shape
from vaekit.plots.style import CLASS_COLORS, MUTED, add_title, styled

SIZE = (5.6, 3.6)
MIN_BAR_ROOM = 8
"""Bars that fill the width; fewer are not made wider."""
MAX_LEGEND_LINE = 50
"""Letters of a legend on one line; longer ones have a line per entry."""
LEGEND_LINE_HEIGHT = 0.25
"""Inches of a line of the legend."""
MAX_NAMED_BARS = 24
MAX_HORIZONTAL_NAMES = 12


class Highlight(NamedTuple):
    """Bars that stand out in color.

    Attributes:
        mask: The highlighted ones of N bars, [N].
        label: What these are, for the legend.
        other_label: What the others are.

    >>> Highlight([True, False], "active", "inactive").label
    'active'
    """

    mask: ArrayLike
    label: str
    other_label: str


class Level(NamedTuple):
    """A horizontal line to compare bars with.

    Attributes:
        value: Its height.
        label: Its name, for the legend.

    >>> Level(0.5, "uniform use").value
    0.5
    """

    value: float
    label: str


@styled
def bars(
    values: ArrayLike,
    names: Sequence[object],
    *,
    axis_labels: tuple[str, str],
    highlight: Highlight | None = None,
    level: Level | None = None,
    min_height: float = 0.0,
    title: str = "",
) -> Figure:
    """Draw one bar per value, the largest first, with names if there are at most 24.

    Args:
        values: Heights [N].
        names: One name per bar.
        axis_labels: What the bars are, and what their heights are, with the unit.
        highlight: Bars that stand out.
        level: A line to compare with.
        min_height: The height that the axis has at least, so that traces look like traces.
        title: The title.

    Returns:
        The figure.

    Raises:
        DataError: Lengths differ, or a value is not finite.

    >>> figure = bars([1.0, 3.0], ["z1", "z2"], axis_labels=("dimension", "nats"))
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['z2', 'z1']
    """
    values = check_finite(values, "values", "[N]").astype(np.float64)
    texts = [str(name) for name in check_length(names, "names", len(values))]
    order = np.argsort(-values, kind="stable")
    mask = _checked_mask(highlight, len(values))

    figure = Figure(figsize=SIZE, layout="constrained")
    xlabel, ylabel = axis_labels
    if len(values) > MAX_NAMED_BARS:
        xlabel += ", by rank"
    axes = figure.add_subplot(xlabel=xlabel, ylabel=ylabel)
    axes.grid(axis="x", visible=False)
    if len(values) <= MAX_NAMED_BARS:
        _draw_bars(axes, values[order], mask[order], [texts[index] for index in order])
    else:
        _draw_outlines(axes, values[order], mask[order])

    axes.set_ylim(top=max(axes.get_ylim()[1], min_height))
    handles = _legend_handles(axes, highlight, level)
    if handles:
        length = sum(len(str(each.get_label())) for each in handles)
        columns = len(handles) if length <= MAX_LEGEND_LINE else 1
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)
        rows = len(handles) // columns
        figure.set_figheight(SIZE[1] + LEGEND_LINE_HEIGHT * rows)
    add_title(figure, title)
    return figure


def _checked_mask(highlight: Highlight | None, count: int) -> NDArray:
    if highlight is None:
        return np.ones(count, bool)
    mask = np.asarray(highlight.mask, bool)
    if mask.shape != (count,):
        raise wrong_shape("highlight", mask, f"{[count]}, one entry per value")
    return mask


def _draw_bars(axes: Axes, values: NDArray, mask: NDArray, names: list[str]) -> None:
    """Bars side by side, with their names."""
    colors = [CLASS_COLORS[0] if marked else MUTED for marked in mask]
    axes.bar(range(len(values)), values, color=colors)
    middle = (len(values) - 1) / 2
    half = max(len(values), MIN_BAR_ROOM) / 2
    axes.set_xlim(middle - half, middle + half)
    rotation = 0 if len(values) <= MAX_HORIZONTAL_NAMES else 90
    axes.set_xticks(range(len(values)), names, rotation=rotation)


def _draw_outlines(axes: Axes, values: NDArray, mask: NDArray) -> None:
    """Many bars as one filled outline per color."""
    edges = np.arange(len(values) + 1) + 0.5
    for drawn, color in ((mask, CLASS_COLORS[0]), (~mask, MUTED)):
        if drawn.any():
            axes.stairs(np.where(drawn, values, 0.0), edges, fill=True, color=color)
    axes.set_xlim(edges[0], edges[-1])


def _legend_handles(axes: Axes, highlight: Highlight | None, level: Level | None) -> list[Artist]:
    handles: list[Artist] = []
    if highlight is not None:
        handles.append(Patch(color=CLASS_COLORS[0], label=highlight.label))
        handles.append(Patch(color=MUTED, label=highlight.other_label))
    if level is not None:
        color = CLASS_COLORS[1]
        line = axes.axhline(level.value, color=color, linestyle="--", label=level.label)
        handles.append(line)
    return handles
