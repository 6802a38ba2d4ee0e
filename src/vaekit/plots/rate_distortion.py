"""Rate and distortion of several models."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length
from vaekit.plots.style import (
    CLASS_COLORS,
    MUTED,
    add_title,
    format_number,
    shorten_start,
    styled,
)

SIZE = (7.0, 5.6)
MAX_LOSS_LINES = 6
MAX_NAME_CHARACTERS = 40


@styled
def rate_distortion(
    names: Sequence[str], rate: ArrayLike, distortion: ArrayLike, *, title: str = ""
) -> Figure:
    """Draw models as points by rate and distortion, with dashed lines of equal loss.

    The loss, rate + distortion, is lower further down and to the left.

    Args:
        names: One name per model, N of them.
        rate: Divergence per example, nats [N].
        distortion: Reconstruction -E[log p(x|z)] per example, nats [N].
        title: The title.

    Returns:
        The figure.

    Raises:
        DataError: No models, lengths that differ, or values that are not finite.

    References:
        Alemi et al., "Fixing a Broken ELBO", 2018.

    >>> figure = rate_distortion(["0.5", "1"], [20.0, 12.0], [80.0, 86.0])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0.5', '1', 'loss 98.0', 'loss 100.0']
    """
    if not len(names):
        raise DataError.for_value("names", list(names), "at least one name")
    x = check_finite(rate, "rate", "[N]").astype(np.float64)
    y = check_finite(distortion, "distortion", "[N]").astype(np.float64)
    check_length(x, "rate", len(names))
    check_length(y, "distortion", len(names))

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("rate: divergence, nats")
    axes.set_ylabel("distortion: reconstruction, nats")
    _draw_models(axes, names, x, y)
    _draw_loss_lines(axes, x + y)
    add_title(figure, title)
    return figure


def _draw_models(axes: Axes, names: Sequence[str], x: NDArray, y: NDArray) -> None:
    order = np.argsort(x)
    axes.plot(x[order], y[order], color=MUTED, linewidth=1, zorder=1)
    axes.scatter(x, y, color=CLASS_COLORS[0], s=50, zorder=3)
    look = {"xytext": (7, 5), "textcoords": "offset points", "fontsize": 10}
    for name, model_rate, model_distortion in zip(names, x, y, strict=True):
        text = shorten_start(name, MAX_NAME_CHARACTERS)
        axes.annotate(text, (model_rate, model_distortion), **look)
    axes.margins(0.18)


def _draw_loss_lines(axes: Axes, losses: NDArray) -> None:
    """Dashed lines of equal loss, without a change of the limits of the axes."""
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    look = {"color": MUTED, "linewidth": 0.8, "linestyle": "--", "zorder": 0}
    label = {"textcoords": "offset points", "fontsize": 9, "color": MUTED}
    count = min(MAX_LOSS_LINES, len(set(losses)))
    for loss in np.linspace(losses.min(), losses.max(), count):
        axes.plot([left, right], [loss - left, loss - right], **look)
        x = max(left, loss - top)
        text = f"loss {format_number(loss, 1)}"
        axes.annotate(text, (x, loss - x), xytext=(4, -14), **label)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
