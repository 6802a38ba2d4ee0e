"""Loss, reconstruction and divergence of one run by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.style import CLASS_COLORS, INK, MUTED, add_title, format_number, styled

TERMS = {
    "loss": "Loss (negative ELBO)",
    "reconstruction": "Reconstruction",
    "divergence": "Divergence",
}
ONLY_RECONSTRUCTION = {"loss": "Loss (reconstruction alone)"}
"""Panels without a divergence: the reconstruction equals the loss."""
MIXED_TERMS = {**TERMS, "loss": "Loss (negative ELBO, or reconstruction alone)"}
"""Panels of several runs of which only some have a divergence."""
SERIES: dict[str, tuple[str, str, Literal["-", "--"]]] = {
    "train": ("training", CLASS_COLORS[1], "--"),
    "val": ("validation", CLASS_COLORS[0], "-"),
}
"""Name, color and line style of the columns that begin with train and val."""
LOSS_COLUMNS = tuple(f"{series}_{term}" for series in SERIES for term in TERMS)
COLUMNS = ("epoch", *LOSS_COLUMNS)

WIDTH = 5.6
PANEL_HEIGHT = 1.9
MAX_MARKED_EPOCHS = 40
MIN_CUT_EPOCHS = 4
EARLY_FRACTION = 10
"""The first epoch in ten may run off the scale."""

STAGE_LINE: dict[str, Any] = {
    "linewidth": 1,
    "linestyle": (0, (6, 2, 1, 2)),
    "label": "begin of the prior's stage",
}
"""The line where a second stage begins, and its name in the legend."""

Table = dict[str, NDArray]


@styled
def loss_curves(
    history: Mapping[str, ArrayLike],
    *,
    title: str = "",
    best_epoch: int | None = None,
    second_stage_epoch: int | None = None,
) -> Figure:
    """Draw loss, reconstruction and divergence by epoch, and mark the best epoch.

    Values that are not finite are left out. Early epochs far above the rest run off the scale,
    which the panel states.

    Args:
        history: The columns epoch, train_loss, train_reconstruction, train_divergence, val_loss,
            val_reconstruction and val_divergence, in nats per example, [epochs] each.
        title: The title.
        best_epoch: The epoch to mark; default that of the lowest validation loss.
        second_stage_epoch: The first epoch of a second stage, before which a line is drawn.

    Returns:
        The figure, one panel per term; without a divergence only the loss.

    Raises:
        DataError: A missing column, columns of different lengths, or no finite loss.

    >>> history = {name: [3.0, 2.0] for name in COLUMNS} | {"epoch": [1, 2]}
    >>> [axes.get_title("left") for axes in loss_curves(history).axes]
    ['Loss (negative ELBO)', 'Reconstruction', 'Divergence']
    """
    table = _finite_table(history)
    if best_epoch is None:
        best = _lowest_loss(table)
    else:
        best = int(np.searchsorted(table["epoch"], best_epoch))
    terms = panel_titles([table])
    figure = Figure(figsize=(WIDTH, PANEL_HEIGHT * len(terms) + 1.1), layout="constrained")
    panels = figure.subplots(len(terms), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (term, heading) in zip(panels, terms.items(), strict=True):
        _draw_panel(axes, table, term)
        axes.set_title(heading)
        if best is not None:
            _mark_best(axes, table, term, best)
        if second_stage_epoch is not None:
            axes.axvline(second_stage_epoch - 0.5, color=INK, **STAGE_LINE)
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    add_title(figure, title)
    return figure


def panel_titles(tables: Sequence[Table]) -> dict[str, str]:
    """The terms that have values in the tables of some runs, and the titles of their panels."""
    have_divergence = [
        any(np.isfinite(table[f"{series}_divergence"]).any() for series in SERIES)
        for table in tables
    ]
    if all(have_divergence):
        return TERMS
    return MIXED_TERMS if any(have_divergence) else ONLY_RECONSTRUCTION


def history_table(
    history: Mapping[str, ArrayLike], columns: Sequence[str], parameter: str
) -> Table:
    """Columns of a history as arrays of one length; DataError if they are not."""
    missing = [name for name in columns if name not in history]
    if missing:
        raise DataError.for_value(
            parameter,
            sorted(history),
            f"the columns {', '.join(columns)}",
            problem=f"{parameter} has no {', '.join(missing)}",
        )
    try:
        table = {name: np.asarray(history[name], dtype=np.float64) for name in columns}
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{parameter} contains a value that is not a number. Use numbers in every column.",
            parameter=parameter,
        ) from error
    shapes = {column.shape for column in table.values()}
    if len(shapes) > 1 or table[columns[0]].ndim != 1:
        raise DataError.for_value(
            parameter,
            sorted(shapes),
            "the shape [epochs] for every column",
            problem=f"{parameter} has columns of the wrong shapes",
        )
    return table


def _finite_table(history: Mapping[str, ArrayLike]) -> Table:
    """The history without epochs that have no number; DataError if no loss is finite."""
    table = history_table(history, COLUMNS, "history")
    is_numbered = np.isfinite(table["epoch"])
    table = {name: column[is_numbered] for name, column in table.items()}
    if not np.isfinite([table["train_loss"], table["val_loss"]]).any():
        raise DataError(
            f"history has no finite loss in {len(is_numbered)} epochs. Plot a run with a loss.",
            parameter="history",
        )
    return table


def _lowest_loss(table: Table) -> int | None:
    """The index of the lowest validation loss; None if none is finite."""
    losses = np.where(np.isfinite(table["val_loss"]), table["val_loss"], np.inf)
    return int(losses.argmin()) if np.isfinite(losses).any() else None


def _draw_panel(axes: Axes, table: Table, term: str) -> None:
    epochs = table["epoch"]
    for series, (name, color, line) in SERIES.items():
        values = table[f"{series}_{term}"]
        finite = np.isfinite(values)
        look = {"color": color, "linestyle": line, "linewidth": 2, "markersize": 4}
        marker = "o" if finite.sum() <= MAX_MARKED_EPOCHS else ""
        axes.plot(epochs[finite], values[finite], label=name, marker=marker, **look)
    axes.set_ylabel("nats")
    axes.margins(y=0.12)
    axes.ticklabel_format(axis="y", useOffset=False)
    _cut_early_epochs(axes, epochs, np.stack([table[f"{series}_{term}"] for series in SERIES]))


def _cut_early_epochs(axes: Axes, epochs: NDArray, values: NDArray) -> None:
    """Limit the scale to the later epochs if the first tenth is far above them."""
    values = np.where(np.isfinite(values), values, np.nan)
    count = values.shape[1]
    cut = max(1, count // EARLY_FRACTION)
    early = values[:, :cut]
    later = values[:, cut:]
    if count < MIN_CUT_EPOCHS or np.isnan(later).all() or np.isnan(early).all():
        return
    highest = epochs[np.nanargmax(early) % cut]
    peak = np.nanmax(early)
    text = f"↑ epoch {highest:.0f} reaches {format_number(peak)}"
    limit_scale(axes, np.nanmin(values), np.nanmax(later), peak, text)


def limit_scale(axes: Axes, low: float, high: float, peak: float, text: str) -> None:
    """Limit the scale to [low, high] and write `text`, if the peak is far above `high`."""
    if peak <= high + (high - low) or high == low:
        return
    axes.set_ylim(low - 0.12 * (high - low), high + 0.3 * (high - low))
    position = {"xy": (0.98, 0.95), "xycoords": "axes fraction", "ha": "right", "va": "top"}
    axes.annotate(text, **position, fontsize=10, color=MUTED, backgroundcolor="white")


def _mark_best(axes: Axes, table: Table, term: str, best: int) -> None:
    epoch = table["epoch"][best]
    value = table[f"val_{term}"][best]
    axes.axvline(epoch, color=MUTED, linewidth=1, linestyle=":")
    if not np.isfinite(value):
        return
    look = {"marker": "*", "markersize": 13, "markeredgecolor": "white", "zorder": 4}
    axes.plot([epoch], [value], color=INK, linestyle="", **look)
    text = f"★ {format_number(value)}"
    if term == "loss":
        text = f"★ best: {format_number(value)}, epoch {epoch:.0f}"
    axes.set_title(text, loc="right", fontsize=11, weight="bold")
