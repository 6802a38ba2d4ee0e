"""Gradient estimators: the training loss with each, and the variance of each."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length
from vaekit.plots.style import add_title, class_style, styled

SIZE = (10.4, 4.4)
GROUP_WIDTH = 0.8
"""Width of a group of bars; groups are 1 apart."""
MAX_MARKED_EPOCHS = 40


@styled
def gradient_estimators(
    losses: Mapping[str, ArrayLike],
    variances: Mapping[str, ArrayLike],
    moments: Sequence[str] = ("at the start", "at the end"),
    *,
    title: str = "",
) -> Figure:
    """Draw the loss by epoch with each gradient estimator, and the variance of each estimator.

    Args:
        losses: Validation loss by estimator, nats per epoch [epochs].
        variances: Variance of the gradient by estimator, [moments]; zero has no bar.
        moments: Names of the weights that variances were measured at.
        title: The title.

    Returns:
        The figure: losses on the left, variances on a log scale on the right.

    Raises:
        DataError: Different estimators, or values that cannot be drawn.

    >>> figure = gradient_estimators({"pathwise": [3.0, 2.0]}, {"pathwise": [0.5, 1.5]})
    >>> [axes.get_title("left") for axes in figure.axes]
    ['Validation loss (negative ELBO)', "Variance of the encoder's gradient"]
    """
    _check_estimators(losses, variances)
    curves = {
        name: check_finite(values, f"losses.{name}", "[epochs]") for name, values in losses.items()
    }
    bars = {name: _checked_variances(name, variances[name], len(moments)) for name in losses}

    figure = Figure(figsize=SIZE, layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_curves(left, curves)
    _draw_bars(right, bars, moments)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    add_title(figure, title)
    return figure


def _check_estimators(losses: Mapping[str, ArrayLike], variances: Mapping[str, ArrayLike]) -> None:
    if not losses:
        raise DataError.for_value("losses", dict(losses), "at least one estimator")
    if set(losses) != set(variances):
        raise DataError.for_value(
            "variances",
            sorted(variances),
            f"{sorted(losses)} as in losses",
            problem="losses and variances have different estimators",
        )


def _checked_variances(name: str, values: ArrayLike, count: int) -> NDArray:
    parameter = f"variances.{name}"
    array = check_finite(values, parameter, "[moments]")
    check_length(array, parameter, count)
    if array.min() < 0:
        raise DataError.for_value(parameter, array.tolist(), "numbers of at least 0")
    return array


def _draw_curves(axes: Axes, curves: Mapping[str, NDArray]) -> None:
    for index, (name, values) in enumerate(curves.items()):
        color, _ = class_style(index)
        marker = "o" if len(values) <= MAX_MARKED_EPOCHS else ""
        look = {"color": color, "linewidth": 2, "marker": marker, "markersize": 4}
        axes.plot(np.arange(1, len(values) + 1), values, label=name, **look)
    axes.set_title("Validation loss (negative ELBO)")
    axes.set_xlabel("epoch")
    axes.set_ylabel("nats")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _draw_bars(axes: Axes, bars: Mapping[str, NDArray], moments: Sequence[str]) -> None:
    width = GROUP_WIDTH / len(bars)
    low, high = _log_limits(np.concatenate(list(bars.values())))
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    text_look = {"textcoords": "offset points", "ha": "center", "fontsize": 10}
    for index, values in enumerate(bars.values()):
        offset = (index - (len(bars) - 1) / 2) * width
        centers = np.arange(len(moments)) + offset
        axes.bar(centers, values, 0.92 * width, color=class_style(index)[0])
        for center, value in zip(centers, values, strict=True):
            top = (center, max(value, low))
            axes.annotate(_short_number(value), top, (0, 3), **text_look)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: _short_number(value))
    axes.grid(visible=False, axis="x")
    axes.set_xticks(np.arange(len(moments)), moments)
    axes.set_title("Variance of the encoder's gradient")


def _log_limits(values: NDArray) -> tuple[float, float]:
    """Limits of a log axis with room below and above all positive values."""
    positive = values[values > 0]
    if not positive.size:
        return 0.1, 10.0
    return positive.min() / 4, positive.max() * 3


def _short_number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
