"""Estimators of a gradient side by side: how training went with each, and how much each varies."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length
from vaekit.plots.style import class_style, styled, wrap_title

SIZE = (10.4, 4.4)
WIDTH = 0.8  # of a group of bars, where the groups stand 1 apart


@styled
def gradient_estimators(
    losses: Mapping[str, ArrayLike],
    variances: Mapping[str, ArrayLike],
    moments: Sequence[str] = ("at the start", "at the end"),
    *,
    title: str = "",
) -> Figure:
    """The loss over the epochs with each estimator, beside the variance of each at common weights, on a log scale.

    losses: by estimator, nats per epoch [epochs]. variances: by the same estimators, [moments]; one of zero has no bar.
    moments: names of the weights that the variances were measured at.
    Raises `DataError` where the two do not name the same estimators, or hold what cannot be drawn.

    >>> figure = gradient_estimators({"pathwise": [3.0, 2.0]}, {"pathwise": [0.5, 1.5]})
    >>> [axes.get_title("left") for axes in figure.axes]
    ['Validation loss (negative ELBO)', "Variance of the encoder's gradient"]
    """
    curves, bars = _checked(losses, variances, moments)
    figure = Figure(figsize=SIZE, layout="constrained")
    left, right = figure.subplots(1, 2)
    _curves(left, curves)
    _bars(right, bars, moments)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    if title:
        figure.suptitle(wrap_title(title, SIZE[0]))
    return figure


def _checked(
    losses, variances, moments: Sequence[str]
) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    if not losses or set(losses) != set(variances):
        raise DataError(
            f"losses of {sorted(losses)} and variances of {sorted(variances)}; allowed: the same estimators"
        )
    curves = {
        name: check_finite(values, f"losses of {name}", "[epochs]")
        for name, values in losses.items()
    }
    bars = {
        name: check_finite(variances[name], f"variances of {name}", "[moments]") for name in losses
    }
    for name, values in bars.items():
        check_length(values, f"variances of {name}", len(moments))
        if values.min() < 0:
            raise DataError(f"variances of {name} are {values.tolist()}; allowed: 0 or above")
    return curves, bars


def _curves(axes: Axes, curves: Mapping[str, NDArray]) -> None:
    for i, (name, values) in enumerate(curves.items()):
        colour, marker = class_style(i)[0], "o" if len(values) <= 40 else ""
        axes.plot(
            np.arange(1, len(values) + 1),
            values,
            label=name,
            color=colour,
            linewidth=2,
            marker=marker,
            markersize=4,
        )
    axes.set_title("Validation loss (negative ELBO)")
    axes.set_xlabel("epoch")
    axes.set_ylabel("nats")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _bars(axes: Axes, bars: Mapping[str, NDArray], moments: Sequence[str]) -> None:
    every, width = np.concatenate(list(bars.values())), WIDTH / len(bars)
    positive = every[every > 0]
    low, high = (positive.min() / 4, positive.max() * 3) if positive.size else (0.1, 10.0)
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    for i, values in enumerate(bars.values()):
        places = np.arange(len(moments)) + (i - (len(bars) - 1) / 2) * width
        axes.bar(places, values, 0.92 * width, color=class_style(i)[0])
        for place, value in zip(places, values, strict=True):
            at = (place, max(value, low))
            axes.annotate(
                _short(value), at, (0, 3), textcoords="offset points", ha="center", fontsize=10
            )
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    axes.grid(visible=False, axis="x")
    axes.set_xticks(np.arange(len(moments)), moments)
    axes.set_title("Variance of the encoder's gradient")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
