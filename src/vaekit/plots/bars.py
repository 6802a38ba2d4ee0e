"""Figures of many things of a kind, the largest first: latent dimensions, codes of a codebook."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length
from vaekit.plots.style import CLASS_COLOURS, MUTED, styled, wrap_title

SIZE = (5.6, 3.6)
FEW, NAMED = 8, 24  # bars that fill the width, and that have room for their names


@styled
def bars(
    values: ArrayLike,
    names: Sequence[object],
    *,
    what: tuple[str, str],
    marked: tuple[ArrayLike, str, str] | None = None,
    level: tuple[float, str] | None = None,
    title: str = "",
) -> Figure:
    """One bar for each value [N], the largest first, with its name where there is room.

    what: what the things are, and what the values are, with their unit. marked: which of them [N] stand out, what these are
    called, and what the others are. level: a line to compare with, and its name. Raises `DataError` when lengths differ.

    >>> figure = bars([1.0, 3.0], ["z1", "z2"], what=("dimension", "nats"))
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['z2', 'z1']
    """
    values = check_finite(values, "values", "[N]").astype(np.float64)
    texts = [str(name) for name in check_length(names, "names", len(values))]
    order = np.argsort(-values, kind="stable")
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot(
        xlabel=what[0] + (", by rank" if len(values) > NAMED else ""), ylabel=what[1]
    )
    apart = np.ones(len(values), bool) if marked is None else np.asarray(marked[0], bool)
    if apart.shape != values.shape:
        raise DataError(
            f"marked has shape {list(apart.shape)}; allowed: {list(values.shape)}, one for each value"
        )
    _draw(axes, values[order], apart[order])
    if len(values) <= NAMED:
        axes.set_xticks(
            range(len(values)), [texts[i] for i in order], rotation=0 if len(values) <= 12 else 90
        )
    axes.grid(axis="x", visible=False)
    handles = []
    if marked is not None:
        handles += [
            Patch(color=CLASS_COLOURS[0], label=marked[1]),
            Patch(color=MUTED, label=marked[2]),
        ]
    if level is not None:
        handles.append(
            axes.axhline(level[0], color=CLASS_COLOURS[1], linestyle="--", label=level[1])
        )
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    if title:
        figure.suptitle(wrap_title(title, SIZE[0]))
    return figure


def _draw(axes: Axes, values: np.ndarray, apart: np.ndarray) -> None:
    """Bars side by side; of many one outline for each kind."""
    if len(values) <= NAMED:
        axes.bar(
            range(len(values)), values, color=np.where(apart, CLASS_COLOURS[0], MUTED).tolist()
        )
        middle, half = (len(values) - 1) / 2, max(len(values), FEW) / 2
        axes.set_xlim(middle - half, middle + half)
        return
    edges = np.arange(len(values) + 1) + 0.5
    for kind, colour in ((apart, CLASS_COLOURS[0]), (~apart, MUTED)):
        if kind.any():
            axes.stairs(np.where(kind, values, 0.0), edges, fill=True, color=colour)
    axes.set_xlim(edges[0], edges[-1])
