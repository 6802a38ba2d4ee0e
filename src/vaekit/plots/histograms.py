"""How figures of single rows are spread around their mean."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite
from vaekit.plots.style import CLASS_COLOURS, number, styled, wrap_title

WIDTH, PANEL = 5.6, 1.9


@styled
def histograms(figures: Mapping[str, ArrayLike], unit: str, *, title: str = "") -> Figure:
    """Values [N] by name, a panel each, with their mean and its standard error; what is not finite raises `DataError`.

    >>> figure = histograms({"loss": [1.0, 3.0]}, "nats")
    >>> figure.axes[0].get_title("right")
    'mean 2.00 ± 1.00'
    """
    if not figures:
        raise DataError("no figures were given; allowed: one or more")
    figure = Figure(figsize=(WIDTH, PANEL * len(figures) + 0.7), layout="constrained")
    panels = figure.subplots(len(figures), 1, squeeze=False)[:, 0]
    for axes, (name, given) in zip(panels, figures.items(), strict=True):
        values = check_finite(given, name, "[N]").astype(np.float64)
        counts, edges = np.histogram(values, bins=min(60, max(8, int(2 * np.sqrt(len(values))))))
        axes.stairs(counts, edges, fill=True, color=CLASS_COLOURS[0])
        axes.axvline(values.mean(), color=CLASS_COLOURS[1], linewidth=2, linestyle="--")
        error = "" if len(values) < 2 else f" ± {number(values.std(ddof=1) / np.sqrt(len(values)))}"
        axes.set_title(name)
        axes.set_title(f"mean {number(values.mean())}{error}", loc="right", fontsize=11)
        axes.set_ylabel("rows")
    panels[-1].set_xlabel(f"{unit} of a row")
    if title:
        figure.suptitle(wrap_title(title, WIDTH))
    return figure
