"""Rate and distortion of several models."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length
from vaekit.plots.class_labels import spread_boxes
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
CHARACTER_WIDTH = 0.0145
LINE_HEIGHT = 0.045
"""Sizes of the labels, as fractions of the axes."""
NAME_OFFSET = (0.015, 0.03)
LOSS_OFFSET = (0.005, -0.035)


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
    _write_labels(axes, names, x, y, losses)
    add_title(figure, title)
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
    axes: Axes, names: Sequence[str], x: NDArray, y: NDArray, losses: NDArray
) -> None:
    """Write names next to the models and losses at the start of their lines, without overlaps."""
    left, right, bottom, top = axes.axis()
    line_x = np.maximum(left, losses - top)  # where a line enters the axes
    anchors = np.stack([np.r_[x, line_x], np.r_[y, losses - line_x]], 1)
    anchors = (anchors - [left, bottom]) / [right - left, top - bottom]
    texts = [shorten_start(name, MAX_NAME_CHARACTERS) for name in names]
    texts += [f"loss {format_number(loss, 1)}" for loss in losses]
    sizes = np.array([(len(text) * CHARACTER_WIDTH, LINE_HEIGHT) for text in texts])
    offsets = np.array([NAME_OFFSET] * len(names) + [LOSS_OFFSET] * len(losses))

    centers = spread_boxes(anchors + offsets + [0.5, 0.0] * sizes, sizes)
    colors = ["black"] * len(names) + [MUTED] * len(losses)
    for text, (center_x, center_y), color in zip(texts, centers, colors, strict=True):
        look = {"ha": "center", "va": "center", "fontsize": FONT_SIZE, "color": color}
        axes.text(center_x, center_y, text, transform=axes.transAxes, **look)
