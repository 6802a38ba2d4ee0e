"""The latent codes of a dataset as a map."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite
from vaekit.plots.class_labels import (
    NAMED,
    and_more,
    class_legend,
    class_names,
    legend_columns,
    write_names,
)
from vaekit.plots.style import CLASS_COLOURS, MUTED, class_style, styled, wrap_title

WIDTH = 5.6
CROWD = 30  # points of a class from which on its name may stand on them; fewer it would hide


@styled
def latent_scatter(
    mu: ArrayLike,
    labels: ArrayLike | None = None,
    classes: Sequence[str] = (),
    *,
    title: str = "",
    names: tuple[str, str] = ("z1", "z2"),
) -> Figure:
    """Codes [N, 2] as points coloured by class, crowds of 30 or more named at their median; codes [N, 1] as histograms.

    `labels` [N] are integers from 0, and `classes` their names. Points are drawn in random order (of a fixed seed), so
    that no class hides another. The window leaves out far outliers, and says how many. More than two latent dimensions
    go through `project` first. Raises `DataError` when the shapes do not fit.

    >>> figure = latent_scatter([[0.0, 1.0], [2.0, 0.5]], [0, 1], ("cat", "dog"))
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['cat', 'dog']
    """
    mu = check_finite(mu, "mu", "[N, 2]", "[N, 1]").astype(np.float64)
    if mu.shape[1] > 2:
        raise DataError(
            f"mu has shape {list(mu.shape)}; allowed: [N, 2] or [N, 1], so choose two with `project`"
        )
    labels, groups = grouped(labels, classes, len(mu))
    draw = _points if mu.shape[1] == 2 else _histograms
    figure = draw(mu, labels, groups, names)
    if title:
        figure.suptitle(wrap_title(title, WIDTH))
    return figure


def grouped(
    labels: ArrayLike | None, classes: Sequence[str], count: int
) -> tuple[NDArray | None, dict[int, str]]:
    """Labels of so many codes, checked, and the names of the classes among them."""
    if labels is None:
        return None, {}
    checked = _integers(labels, count)
    return checked, class_names(np.unique(checked).tolist(), classes)


def _integers(labels: ArrayLike, count: int) -> NDArray:
    labels = check_finite(labels, "labels", "[N]")
    if labels.dtype.kind not in "iu" or len(labels) != count or labels.min() < 0:
        raise DataError(
            f"labels has shape {list(labels.shape)}, type {labels.dtype} and minimum {labels.min()}; "
            f"allowed: [{count}] integers from 0, one for each code"
        )
    return labels


def _points(
    mu: NDArray, labels: NDArray | None, groups: dict[int, str], names: tuple[str, str]
) -> Figure:
    low, high = window(mu)
    rows = -(-len(groups) // legend_columns(groups)) if groups else 0
    ratio = (high[1] - low[1]) / (high[0] - low[0])
    figure = Figure(figsize=(WIDTH, 0.86 * WIDTH * ratio + 1.0 + 0.22 * rows), layout="constrained")
    axes = figure.add_subplot(xlabel=names[0], ylabel=names[1])
    draw_points(axes, mu, labels, groups, low, high)
    if labels is not None:
        class_legend(figure, groups)
    return figure


def draw_points(
    axes: Axes,
    mu: NDArray,
    labels: NDArray | None,
    groups: dict[int, str],
    low: NDArray,
    high: NDArray,
    width: float = WIDTH,
) -> None:
    """The points between `low` and `high`, and the names of their classes, on axes `width` inches wide."""
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.set_aspect("equal")
    order = np.random.default_rng(0).permutation(len(mu))
    look = {"s": np.clip(4e4 / len(mu), 1.2, 36), "alpha": np.clip(3.2 / len(mu) ** 0.2, 0.25, 0.9)}
    index = np.zeros(len(mu), int) if labels is None else labels
    for block in np.unique(index // len(CLASS_COLOURS)):
        chosen = order[index[order] // len(CLASS_COLOURS) == block]
        colours = to_rgba_array(CLASS_COLOURS)[index[chosen] % len(CLASS_COLOURS)]
        marker = class_style(int(block) * len(CLASS_COLOURS))[1]
        axes.scatter(*mu[chosen].T, c=colours, marker=marker, linewidths=0, rasterized=True, **look)
    _count_outside(axes, mu, low, high)
    if labels is not None and len(mu) >= CROWD * len(groups):
        write_names(axes, mu, labels, groups, low, high, width / WIDTH)


def window(mu: NDArray) -> tuple[NDArray, NDArray]:
    """Lower left and upper right of what is shown: every point, or, where a few lie far out, all but those."""
    low, high = mu.min(axis=0), mu.max(axis=0)
    inner = np.quantile(mu, (0.005, 0.995), axis=0)
    reach = 0.5 * (inner[1] - inner[0]).max()
    if (high - low).max() > 8 * reach > 0:
        low, high = np.maximum(low, inner[0] - reach / 2), np.minimum(high, inner[1] + reach / 2)
    span = 1.06 * (high - low)
    span = np.maximum(span, 0.6 * span[::-1])  # neither side far longer than the other
    size = np.abs(mu).max()
    span = np.where(span > 1e-9 * size, span, max(1.0, size))  # all in one place
    return (low + high - span) / 2, (low + high + span) / 2


def _count_outside(axes: Axes, mu: NDArray, low: NDArray, high: NDArray) -> None:
    outside = int(((mu < low) | (mu > high)).any(axis=1).sum())
    if outside:
        text = f"{outside:,} of {len(mu):,} points lie outside"
        place = {"xy": (0.98, 0.03), "xycoords": "axes fraction", "ha": "right", "va": "bottom"}
        axes.annotate(text, **place, fontsize=10, color=MUTED, backgroundcolor="white")


def _histograms(
    mu: NDArray, labels: NDArray | None, groups: dict[int, str], names: tuple[str, str]
) -> Figure:
    figure = Figure(
        figsize=(WIDTH, 1.5 + 0.42 * min(NAMED, max(3, len(groups)))), layout="constrained"
    )
    draw_histograms(figure.add_subplot(xlabel=names[0]), mu, labels, groups)
    return figure


def draw_histograms(
    axes: Axes, mu: NDArray, labels: NDArray | None, groups: dict[int, str]
) -> None:
    """One row a class, each scaled to its own peak, on bins that all share."""
    rows = list(groups.items())[:NAMED] or [(0, "codes")]
    edges = np.histogram_bin_edges(mu, bins=60)
    for height, (index, _) in enumerate(reversed(rows)):
        values = mu if labels is None else mu[labels == index]
        counts, _ = np.histogram(values, edges)
        top = height + 0.9 * counts / max(1, counts.max())
        axes.stairs(top, edges, baseline=height, fill=True, color=class_style(index)[0])
    axes.set_yticks(range(len(rows)), [name for _, name in reversed(rows)], va="bottom")
    axes.set(ylim=(-0.05, len(rows)), xlim=(edges[0], edges[-1]))
    if len(groups) > len(rows):
        axes.set_title(and_more(len(groups) - len(rows)))
