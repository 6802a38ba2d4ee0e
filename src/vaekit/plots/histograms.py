"""Histograms of values per example, with their mean and its standard error."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite
from vaekit.plots.style import CLASS_COLORS, add_title, format_number, styled

WIDTH = 5.6
PANEL_HEIGHT = 1.9
MIN_BINS = 8
MAX_BINS = 60


@styled
def histograms(values: Mapping[str, ArrayLike], unit: str, *, title: str = "") -> Figure:
    """Draw a histogram per name with the mean of its values and the standard error of the mean.

    Args:
        values: Values per example [N] by name.
        unit: Their unit, such as nats.
        title: The title.

    Returns:
        The figure, one panel per name.

    Raises:
        DataError: No values, or values that are not finite.

    >>> figure = histograms({"loss": [1.0, 3.0]}, "nats")
    >>> figure.axes[0].get_title("right")
    'mean 2.00 ± 1.00'
    """
    if not values:
        raise DataError.for_value("values", dict(values), "at least one name")
    figure = Figure(figsize=(WIDTH, PANEL_HEIGHT * len(values) + 0.7), layout="constrained")
    panels = figure.subplots(len(values), 1, squeeze=False)[:, 0]
    for axes, (name, column) in zip(panels, values.items(), strict=True):
        _draw_panel(axes, name, check_finite(column, name, "[N]").astype(np.float64))
    panels[-1].set_xlabel(f"{unit} per example")
    add_title(figure, title)
    return figure


def _draw_panel(axes: Axes, name: str, values: NDArray) -> None:
    bins = min(MAX_BINS, max(MIN_BINS, int(2 * np.sqrt(len(values)))))
    counts, edges = np.histogram(values, bins=bins)
    axes.stairs(counts, edges, fill=True, color=CLASS_COLORS[0])
    axes.axvline(values.mean(), color=CLASS_COLORS[1], linewidth=2, linestyle="--")
    axes.set_title(name)
    axes.set_title(_mean_text(values), loc="right", fontsize=11)
    axes.set_ylabel("examples")


def _mean_text(values: NDArray) -> str:
    text = f"mean {format_number(values.mean())}"
    if len(values) < 2:
        return text
    error = values.std(ddof=1) / np.sqrt(len(values))
    return f"{text} ± {format_number(error)}"
