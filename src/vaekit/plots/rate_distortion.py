"""What models pay for their codes, and what they get for it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vaekit.errors import DataError
from vaekit.plots.style import CLASS_COLOURS, MUTED, number, shorten_start, styled, wrap_title

SIZE = (7.0, 5.6)
LINES = 6


@styled
def rate_distortion(
    names: Sequence[str], rate: ArrayLike, distortion: ArrayLike, *, title: str = ""
) -> Figure:
    """Models as points: rate, the divergence, across, and distortion, -E[log p(x given z)], up (Alemi et al., 2018).

    names, rate, distortion: one a model, in nats per row. Dashed lines join what has the same loss, rate + distortion; models
    further down and to the left have a better one.
    Raises `DataError` where the three are not of one length, or hold what is not finite.

    >>> [text.get_text() for text in rate_distortion(["0.5", "1"], [20.0, 12.0], [80.0, 86.0]).axes[0].texts]
    ['0.5', '1', 'loss 98.0', 'loss 100.0']
    """
    x, y = (np.asarray(values, dtype=np.float64) for values in (rate, distortion))
    if not len(names) == len(x) == len(y) or not len(x):
        raise DataError(
            f"{len(names)} names, {x.size} rates and {y.size} distortions were given; allowed: one of each a model"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("rate and distortion must be finite: leave out models that have none")
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    order = np.argsort(x)
    axes.plot(x[order], y[order], color=MUTED, linewidth=1, zorder=1)
    axes.scatter(x, y, color=CLASS_COLOURS[0], s=50, zorder=3)
    for name, here, there in zip(names, x, y, strict=True):
        axes.annotate(
            shorten_start(name, 40),
            (here, there),
            xytext=(7, 5),
            textcoords="offset points",
            fontsize=10,
        )
    axes.margins(0.18)
    _same_loss(axes, x + y)
    axes.set_xlabel("rate: divergence, nats")
    axes.set_ylabel("distortion: reconstruction, nats")
    if title:
        figure.suptitle(wrap_title(title, SIZE[0]))
    return figure


def _same_loss(axes, losses: np.ndarray) -> None:
    """Dashed lines of equal loss through the picture, which stays as large as it was."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for loss in np.linspace(losses.min(), losses.max(), min(LINES, len(set(losses)))):
        axes.plot(
            [left, right],
            [loss - left, loss - right],
            color=MUTED,
            linewidth=0.8,
            linestyle="--",
            zorder=0,
        )
        at = max(left, loss - top)
        axes.annotate(
            f"loss {number(loss, 1)}",
            (at, loss - at),
            xytext=(4, -14),
            textcoords="offset points",
            fontsize=9,
            color=MUTED,
        )
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
