"""The losses of several runs on common axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.curves import PARTS, SERIES, parts_of
from vaekit.plots.style import CLASS_COLOURS, INK, MUTED, number, shorten_start, styled, wrap_title

WIDTH, PANEL = 5.6, 1.9
COLUMNS = ("step", *(f"{series}_{part}" for series in SERIES for part in PARTS))


@styled
def run_curves(
    runs: Mapping[str, Mapping[str, ArrayLike]],
    kept: Mapping[str, int | None] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Loss, reconstruction and divergence of several runs over the updates of their weights, each one's kept epoch marked.

    runs: for each name the columns updates, train_loss, train_reconstruction, train_divergence, val_loss,
    val_reconstruction and val_divergence, in nats; what is not finite is left out, and where no run has a divergence, the
    loss stands alone. Updates and not epochs, since epochs of few rows and of many are not alike; on a logarithmic scale
    where one run made ten times those of another. kept: by name the epoch, from 1, whose weights were kept. A first tenth
    far above the rest runs off the scale, and the panel says so.
    Raises `DataError` for a missing column or one of another length.

    >>> columns = {name: [3.0, 2.0] for name in COLUMNS} | {"step": [10, 20]}
    >>> [axes.get_title("left") for axes in run_curves({"one": columns, "two": columns}).axes]
    ['Loss (negative ELBO)', 'Reconstruction', 'Divergence']
    """
    tables = {name: _table(name, metrics) for name, metrics in runs.items()}
    if not tables:
        raise DataError("no runs were given; allowed: one or more")
    best = [(kept or {}).get(name) for name in tables]
    parts = parts_of(list(tables.values()))
    figure = Figure(figsize=(WIDTH, PANEL * len(parts) + 1.7), layout="constrained")
    panels = figure.subplots(len(parts), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (part, heading) in zip(panels, parts.items(), strict=True):
        for index, table in enumerate(tables.values()):
            _lines(axes, table, part, CLASS_COLOURS[index % len(CLASS_COLOURS)], best[index])
        axes.set_title(heading)
        axes.set_ylabel("nats")
        axes.margins(y=0.12)
        _limit(
            axes,
            [
                np.stack([table[f"{series}_{part}"] for series in SERIES])
                for table in tables.values()
            ],
        )
    panels[-1].set_xlabel("updates of the weights")
    if _far_apart([table["step"] for table in tables.values()]):
        panels[-1].set_xscale("log")
        panels[-1].xaxis.set_major_formatter("{x:,.0f}")
    _legend(figure, list(tables))
    if title:
        figure.suptitle(wrap_title(title, WIDTH))
    return figure


def _far_apart(updates: Sequence[NDArray]) -> bool:
    """Whether the shortest run would be a speck beside the longest."""
    ends = [axis[-1] for axis in updates if len(axis)]
    return bool(ends) and max(ends) >= 10 * min(ends) > 0


def _table(name: str, metrics: Mapping[str, ArrayLike]) -> dict[str, NDArray]:
    missing = [column for column in COLUMNS if column not in metrics]
    if missing:
        raise DataError(
            f"the metrics of {name} lack {', '.join(missing)}; allowed: the columns {', '.join(COLUMNS)}"
        )
    table = {column: np.asarray(metrics[column], dtype=np.float64) for column in COLUMNS}
    shapes = {column.shape for column in table.values()}
    if len(shapes) > 1 or table["step"].ndim != 1:
        raise DataError(
            f"the metrics of {name} have columns of shapes {sorted(shapes)}; allowed: [epochs], the same for all"
        )
    return table


def _lines(axes: Axes, table: dict[str, NDArray], part: str, colour: str, kept: int | None) -> None:
    for series, (_, _, line) in SERIES.items():
        values = table[f"{series}_{part}"]
        shown = np.isfinite(values)
        marker = "o" if shown.sum() == 1 else ""
        width = (2 if series == "val" else 1.4) * (1 if shown.sum() < 200 else 0.6)
        axes.plot(
            table["step"][shown],
            values[shown],
            color=colour,
            linestyle=line,
            linewidth=width,
            marker=marker,
        )
    if kept is not None and kept <= len(table["step"]):
        look = {"marker": "*", "markersize": 13, "markeredgecolor": "white", "zorder": 4}
        axes.plot(
            table["step"][kept - 1],
            table[f"val_{part}"][kept - 1],
            color=colour,
            linestyle="",
            **look,
        )


def _limit(axes: Axes, runs: Sequence[NDArray]) -> None:
    """Keep what is far above only in the first tenth of a run (an epoch at least) from flattening all the rest."""
    late = [
        values[:, max(1, values.shape[1] // 10) :] if values.shape[1] > 3 else values
        for values in runs
    ]
    everything, later = (
        np.concatenate([v[np.isfinite(v)] for v in group]) for group in (runs, late)
    )
    if not len(later):
        return
    low, high, peak = everything.min(), later.max(), everything.max()
    if peak <= high + (high - low) or high == low:
        return
    axes.set_ylim(low - 0.12 * (high - low), high + 0.3 * (high - low))
    place = {"xy": (0.98, 0.95), "xycoords": "axes fraction", "ha": "right", "va": "top"}
    axes.annotate(
        f"↑ begins at up to {number(peak)}",
        **place,
        fontsize=10,
        color=MUTED,
        backgroundcolor="white",
    )


def _legend(figure: Figure, names: list[str]) -> None:
    """One column of runs, and one of what the lines are."""
    kinds: dict[str, dict[str, Any]] = {
        name: {"linestyle": line} for name, _, line in reversed(SERIES.values())
    }
    kinds["epoch that was kept"] = {"linestyle": "", "marker": "*", "markersize": 11}
    runs = [
        Line2D([], [], color=CLASS_COLOURS[i % len(CLASS_COLOURS)], linewidth=3)
        for i in range(len(names))
    ]
    marks = [Line2D([], [], color=INK, **look) for look in kinds.values()]
    rows, blank = max(len(runs), len(marks)), Line2D([], [], linestyle="")
    handles = [
        column[i] if i < len(column) else blank for column in (runs, marks) for i in range(rows)
    ]
    texts = [" "] * rows + [*kinds, *[" "] * (rows - len(kinds))]
    legend = figure.legend(handles, texts, loc="outside lower center", ncols=2)
    for text, name in zip(legend.get_texts(), names, strict=False):
        text.set_text(
            shorten_start(name, 32)
        )  # set afterwards, since a label that begins with "_" would be left out
