"""Rate and distortion of several models."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length
from vaekit.plots.label_placement import Canvas, label_points
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

FONT_SIZE = 9.5
POINT_RADIUS = 5.0
"""Pixels of a point at 100 dpi."""
LINE_PLACES = 60
"""Places along a line of equal loss that its label is tried at."""


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
    losses = x + y
    count = min(MAX_LOSS_LINES, len(set(losses)))
    losses = np.linspace(losses.min(), losses.max(), count)
    _draw_models(axes, x, y)
    _draw_loss_lines(axes, losses)
    add_title(figure, title)
    _write_labels(figure, names, x, y, losses)
    return figure


def _draw_models(axes: Axes, x: NDArray, y: NDArray) -> None:
    order = np.argsort(x)
    axes.plot(x[order], y[order], color=MUTED, linewidth=1, zorder=1)
    axes.scatter(x, y, color=CLASS_COLORS[0], s=50, zorder=3)
    axes.margins(0.18)


def _draw_loss_lines(axes: Axes, losses: NDArray) -> None:
    """Dashed lines of equal loss, without a change of the limits of the axes."""
    left, right = axes.get_xlim()
    look = {"color": MUTED, "linewidth": 0.8, "linestyle": "--", "zorder": 0}
    limits = axes.axis()
    for loss in losses:
        axes.plot([left, right], [loss - left, loss - right], **look)
    axes.axis(limits)


def _write_labels(
    figure: Figure, names: Sequence[str], x: NDArray, y: NDArray, losses: NDArray
) -> None:
    """Write names next to the models and losses on their lines, without overlaps."""
    (axes,) = figure.axes
    limits = axes.axis()
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.85}
    look = {"ha": "center", "va": "center", "fontsize": FONT_SIZE, "bbox": box, "zorder": 4}
    texts = [axes.text(*point, "", **look) for point in zip(x, y, strict=True)]
    for text, name in zip(texts, names, strict=True):
        text.set_text(shorten_start(name, MAX_NAME_CHARACTERS))
    canvas = Canvas(figure, axes)
    label_points(canvas, np.stack([x, y], 1), texts, POINT_RADIUS)
    for loss in losses:
        text = axes.text(x[0], y[0], f"loss {format_number(loss, 1)}", color=MUTED, **look)
        across = np.linspace(*limits[:2], LINE_PLACES)
        line = canvas.pixels(np.stack([across, loss - across], 1))
        text.set_visible(canvas.place(text, line) is not None)
    axes.axis(limits)
