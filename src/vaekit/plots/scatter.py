"""A scatter plot of latent codes by class, or histograms of codes of one dimension."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.transforms import IdentityTransform
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, wrong_shape
from vaekit.plots.class_labels import (
    MAX_LEGEND_CLASSES,
    class_legend,
    class_names,
    legend_columns,
    more_classes,
    write_class_names,
)
from vaekit.plots.prior_contours import Contour, extent
from vaekit.plots.style import (
    CLASS_COLORS,
    MARKERS,
    MUTED,
    add_title,
    class_style,
    marker_path,
    styled,
)

WIDTH = 5.6
MIN_NAMED_POINTS = 30
"""Minimal mean number of points per class to write names on the plot: they would hide fewer."""
HISTOGRAM_BINS = 60
OUTLIER_QUANTILES = (0.005, 0.995)
MAX_OUTLIER_RANGE = 8
"""A larger range, in half widths of the inner quantiles, is cut."""
PADDING = 1.06
MIN_SIDE_RATIO = 0.6
"""The shorter side of the axes relative to the longer one, at least."""
POINT_SCALE = 0.25
"""Size of a marker from -1 to 1 that has the size of one from -0.5 to 0.5."""
CONTOUR_NOTE = "lines: the densest 50, 90 and 99 % of the prior"
CONTOUR_NAME_SIZE = 9.5
CONTOUR_NAME_BOX = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
AXIS_TOP = ("data", "axes fraction")


@styled
def latent_scatter(
    codes: ArrayLike,
    labels: ArrayLike | None = None,
    classes: Sequence[str] = (),
    *,
    title: str = "",
    axis_names: tuple[str, str] = ("z1", "z2"),
    contours: Sequence[Contour] = (),
) -> Figure:
    """Draw latent codes as points colored by class, or codes of one dimension as histograms.

    Points are drawn in a fixed random order, so that no class hides another. Classes of many
    points are named at their median. Far outliers are left out, which the plot states. The axes
    include the contours of the prior, so that codes that all lie close together look so.

    Args:
        codes: Latent codes [N, 2] or [N, 1]; `project` projects more dimensions.
        labels: Class of each code, integers from 0 [N].
        classes: Names of the classes.
        title: The title.
        axis_names: Names of the axes.
        contours: Contours of the prior over the same dimensions.

    Returns:
        The figure.

    Raises:
        DataError: Arrays whose shapes or values do not fit.

    >>> figure = latent_scatter([[0.0, 1.0], [2.0, 0.5]], [0, 1], ("cat", "dog"))
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['cat', 'dog']
    """
    points = check_points(codes, "codes")
    checked, groups = group_by_class(labels, classes, len(points))
    if points.shape[1] == 2:
        figure = _scatter_figure(points, checked, groups, axis_names, contours)
    else:
        figure = _histogram_figure(points, checked, groups, axis_names[0], contours)
    add_title(figure, title)
    return figure


def check_points(codes: ArrayLike, name: str) -> NDArray:
    """Codes as float64 [N, 2] or [N, 1]; DataError if they have another shape."""
    points = check_finite(codes, name, "[N, 2]", "[N, 1]").astype(np.float64)
    if points.shape[1] > 2:
        raise wrong_shape(name, points, "[N, 2] or [N, 1]", fix="Project the codes to two axes")
    return points


def group_by_class(
    labels: ArrayLike | None, classes: Sequence[str], count: int
) -> tuple[NDArray | None, dict[int, str]]:
    """Labels of `count` codes, checked, and the names of their classes."""
    if labels is None:
        return None, {}
    checked = _checked_labels(labels, count)
    return checked, class_names(np.unique(checked).tolist(), classes)


def _checked_labels(labels: ArrayLike, count: int) -> NDArray:
    array = check_finite(labels, "labels", "[N]")
    if len(array) != count:
        raise wrong_shape("labels", array, f"[{count}], one label per code")
    if array.dtype.kind not in "iu":
        problem = "labels has the wrong type"
        raise DataError.for_value("labels", str(array.dtype), "integers", problem=problem)
    if array.min() < 0:
        raise DataError.for_value("labels", int(array.min()), "integers of at least 0")
    return array


# --- Two dimensions ------------------------------------------------------------------------------


def _scatter_figure(
    points: NDArray,
    labels: NDArray | None,
    groups: dict[int, str],
    axis_names: tuple[str, str],
    contours: Sequence[Contour],
) -> Figure:
    low, high = axis_limits(points, contours)
    legend_rows = 0
    if groups:
        legend_rows = -(-len(groups) // legend_columns(groups))
    ratio = (high[1] - low[1]) / (high[0] - low[0])
    height = 0.86 * WIDTH * ratio + 1.0 + 0.22 * legend_rows
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot(xlabel=axis_names[0], ylabel=axis_names[1])
    _draw_contours(axes, contours)
    draw_points(axes, points, labels, groups, low, high)
    if labels is not None:
        class_legend(figure, groups)
    return figure


def draw_points(
    axes: Axes,
    points: NDArray,
    labels: NDArray | None,
    groups: dict[int, str],
    low: NDArray,
    high: NDArray,
    width: float = WIDTH,
) -> None:
    """Draw points and the names of their classes.

    Args:
        axes: Axes that are `width` inches wide.
        points: [N, 2].
        labels: [N]; None for points without classes.
        groups: Names of classes by label.
        low: Lower left of the axes [2].
        high: Upper right of the axes [2].
        width: Inches.
    """
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.set_aspect("equal")
    order = np.random.default_rng(0).permutation(len(points))
    size = np.clip(4e4 / len(points), 1.2, 36)
    alpha = np.clip(3.2 / len(points) ** 0.2, 0.25, 0.9)
    index = (np.zeros(len(points), int) if labels is None else labels)[order]
    paths = [marker_path(marker) for marker in MARKERS]
    marks = PathCollection(
        [paths[number % len(paths)] for number in index],
        [size * POINT_SCALE],
        offsets=points[order],
        offset_transform=axes.transData,
        facecolors=to_rgba_array(CLASS_COLORS)[index % len(CLASS_COLORS)],
        alpha=alpha,
        linewidths=0,
        rasterized=True,
    )
    marks.set_transform(IdentityTransform())
    axes.add_collection(marks, autolim=False)
    _count_outliers(axes, points, low, high)
    if labels is not None and len(points) >= MIN_NAMED_POINTS * len(groups):
        write_class_names(axes, points, labels, groups, low, high, width / WIDTH)


def _draw_contours(axes: Axes, contours: Sequence[Contour]) -> None:
    """Draw the contours of a prior, each with its mass at its top."""
    for contour in contours:
        for line in contour.lines:
            axes.plot(*line.T, color=MUTED, linewidth=1, zorder=1.5)
        points = np.concatenate(contour.lines)
        top = points[points[:, 1].argmax()]
        look = {"color": MUTED, "fontsize": CONTOUR_NAME_SIZE, "ha": "center", "va": "center"}
        axes.annotate(contour.name, top, **look, bbox=CONTOUR_NAME_BOX, zorder=4)
    if contours:
        axes.set_title(CONTOUR_NOTE, fontsize=CONTOUR_NAME_SIZE, color=MUTED)


def axis_limits(points: NDArray, contours: Sequence[Contour] = ()) -> tuple[NDArray, NDArray]:
    """Lower left and upper right [2] of the axes: around all contours, and all points but far
    outliers."""
    low = points.min(axis=0)
    high = points.max(axis=0)
    inner = np.quantile(points, OUTLIER_QUANTILES, axis=0)
    reach = 0.5 * (inner[1] - inner[0]).max()
    if (high - low).max() > MAX_OUTLIER_RANGE * reach > 0:
        low = np.maximum(low, inner[0] - reach / 2)
        high = np.minimum(high, inner[1] + reach / 2)
    if contours:
        corners = extent(contours)
        low = np.minimum(low, corners[0])
        high = np.maximum(high, corners[1])
    span = PADDING * (high - low)
    span = np.maximum(span, MIN_SIDE_RATIO * span[::-1])
    largest = np.abs(points).max()
    is_visible = span > 1e-9 * largest
    span = np.where(is_visible, span, max(1.0, largest))
    return (low + high - span) / 2, (low + high + span) / 2


def _count_outliers(axes: Axes, points: NDArray, low: NDArray, high: NDArray) -> None:
    outliers = int(((points < low) | (points > high)).any(axis=1).sum())
    if outliers:
        text = f"{outliers:,} of {len(points):,} points lie outside"
        position = {"xy": (0.98, 0.03), "xycoords": "axes fraction", "ha": "right", "va": "bottom"}
        axes.annotate(text, **position, fontsize=10, color=MUTED, backgroundcolor="white")


# --- One dimension -------------------------------------------------------------------------------


def _histogram_figure(
    points: NDArray,
    labels: NDArray | None,
    groups: dict[int, str],
    axis_name: str,
    contours: Sequence[Contour],
) -> Figure:
    rows = min(MAX_LEGEND_CLASSES, max(3, len(groups)))
    figure = Figure(figsize=(WIDTH, 1.5 + 0.42 * rows), layout="constrained")
    axes = figure.add_subplot(xlabel=axis_name)
    draw_histograms(axes, points, labels, groups)
    _draw_intervals(axes, contours)
    return figure


def _draw_intervals(axes: Axes, contours: Sequence[Contour]) -> None:
    """Draw the ends of the intervals of a prior, each with its mass at its upper end."""
    if not contours:
        return
    low, high = extent(contours)[:, 0]
    left, right = axes.get_xlim()
    margin = (PADDING - 1) * (high - low)
    axes.set_xlim(min(left, low - margin), max(right, high + margin))
    for contour in contours:
        ends = np.concatenate(contour.lines)[:, 0]
        for value in ends:
            axes.axvline(value, color=MUTED, linewidth=1, zorder=1.5)
        look = {"color": MUTED, "fontsize": CONTOUR_NAME_SIZE, "ha": "center", "va": "center"}
        position = (ends.max(), 1)
        box = CONTOUR_NAME_BOX
        axes.annotate(contour.name, position, xycoords=AXIS_TOP, **look, bbox=box, zorder=4)
    axes.set_title(CONTOUR_NOTE, fontsize=CONTOUR_NAME_SIZE, color=MUTED, loc="right", pad=10)


def draw_histograms(
    axes: Axes, points: NDArray, labels: NDArray | None, groups: dict[int, str]
) -> None:
    """Draw one histogram per class, scaled to its peak, with the same bins for all."""
    listed = list(groups.items())[:MAX_LEGEND_CLASSES] or [(0, "codes")]
    listed.reverse()
    edges = np.histogram_bin_edges(points, bins=HISTOGRAM_BINS)
    for height, (index, _) in enumerate(listed):
        values = points if labels is None else points[labels == index]
        counts, _ = np.histogram(values, edges)
        top = height + 0.9 * counts / max(1, counts.max())
        color, _ = class_style(index)
        axes.stairs(top, edges, baseline=height, fill=True, color=color)
    axes.set_yticks(range(len(listed)), [name for _, name in listed], va="bottom")
    axes.set(ylim=(-0.05, len(listed)), xlim=(edges[0], edges[-1]))
    if len(groups) > len(listed):
        axes.set_title(more_classes(len(groups) - len(listed)))
