"""How the loss and its two parts went, epoch by epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from vaekit.errors import DataError
from vaekit.plots.style import CLASS_COLOURS, INK, MUTED, number, styled, wrap_title

PARTS = {
    "loss": "Loss (negative ELBO)",
    "reconstruction": "Reconstruction",
    "divergence": "Divergence",
}
NO_BOUND = {"loss": "Loss (reconstruction alone)"}
"""Where there is no divergence: the reconstruction would be the same once more."""
MIXED = {**PARTS, "loss": "Loss (negative ELBO, or reconstruction alone)"}
"""Where some runs have a divergence."""
SERIES = {
    "train": ("training", CLASS_COLOURS[1], "--"),
    "val": ("validation", CLASS_COLOURS[0], "-"),
}
COLUMNS = ("epoch", *(f"{series}_{part}" for series in SERIES for part in PARTS))
WIDTH, PANEL = 5.6, 1.9


@styled
def loss_curves(
    metrics: Mapping[str, Sequence[float] | NDArray],
    *,
    title: str = "",
    best_epoch: int | None = None,
) -> Figure:
    """Loss, reconstruction and divergence over the epochs, in training and validation, with the best epoch marked.

    `metrics` holds the columns epoch, train_loss, train_reconstruction, train_divergence, val_loss, val_reconstruction
    and val_divergence, in nats; values that are not finite are left out, and where no divergence is, the loss stands alone.
    First epochs far above the rest run off the scale, and the panel says so. `best_epoch` is the one that was kept; by
    default that of the lowest loss. Raises `DataError` when a column is missing or nothing is finite.

    >>> columns = {name: [3.0, 2.0] for name in COLUMNS} | {"epoch": [1, 2]}
    >>> [axes.get_title("left") for axes in loss_curves(columns).axes]
    ['Loss (negative ELBO)', 'Reconstruction', 'Divergence']
    """
    table = _table(metrics)
    best = _best(table) if best_epoch is None else int(np.searchsorted(table["epoch"], best_epoch))
    parts = parts_of([table])
    figure = Figure(figsize=(WIDTH, PANEL * len(parts) + 1.1), layout="constrained")
    panels = figure.subplots(len(parts), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (part, name) in zip(panels, parts.items(), strict=True):
        _panel(axes, table, part)
        axes.set_title(name)
        if best is not None:
            _mark(axes, table, part, best)
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    if title:
        figure.suptitle(wrap_title(title, WIDTH))
    return figure


def parts_of(tables: Sequence[Mapping[str, NDArray]]) -> dict[str, str]:
    """What there is to draw of the metrics of some runs, and what it is called."""
    bounds = [
        any(np.isfinite(table[f"{series}_divergence"]).any() for series in SERIES)
        for table in tables
    ]
    return PARTS if all(bounds) else MIXED if any(bounds) else NO_BOUND


def _table(metrics: Mapping[str, Sequence[float] | NDArray]) -> dict[str, NDArray]:
    missing = [name for name in COLUMNS if name not in metrics]
    if missing:
        raise DataError(
            f"metrics lacks {', '.join(missing)}; allowed: a mapping with the columns {', '.join(COLUMNS)}"
        )
    try:
        table = {name: np.asarray(metrics[name], dtype=np.float64) for name in COLUMNS}
    except (TypeError, ValueError) as error:
        raise DataError(
            f"metrics holds what is not a number ({error}); allowed: numbers in every column"
        ) from error
    shapes = {name: list(column.shape) for name, column in table.items()}
    if any(shape != shapes["epoch"] or len(shape) != 1 for shape in shapes.values()):
        raise DataError(
            f"metrics has columns of shapes {shapes}; allowed: [epochs], the same for all"
        )
    table = {name: column[np.isfinite(table["epoch"])] for name, column in table.items()}
    if not np.isfinite([table["train_loss"], table["val_loss"]]).any():
        raise DataError(
            f"metrics has no finite loss in {shapes['epoch'][0]} epochs; allowed: one finite loss or more"
        )
    return table


def _best(table: dict[str, NDArray]) -> int | None:
    """The row of the lowest validation loss."""
    losses = np.where(np.isfinite(table["val_loss"]), table["val_loss"], np.inf)
    return int(losses.argmin()) if np.isfinite(losses).any() else None


def _panel(axes: Axes, table: dict[str, NDArray], part: str) -> None:
    epochs = table["epoch"]
    for series, (name, colour, line) in SERIES.items():
        values = table[f"{series}_{part}"]
        kept = np.isfinite(values)
        marker = "o" if kept.sum() <= 40 else ""
        look = {
            "color": colour,
            "linestyle": line,
            "linewidth": 2,
            "marker": marker,
            "markersize": 4,
        }
        axes.plot(epochs[kept], values[kept], label=name, **look)
    axes.set_ylabel("nats")
    axes.margins(y=0.12)
    axes.ticklabel_format(axis="y", useOffset=False)
    _limit(axes, epochs, np.stack([table[f"{series}_{part}"] for series in SERIES]))


def _limit(axes: Axes, epochs: NDArray, values: NDArray) -> None:
    """Keep early epochs that tower over all later ones from flattening those: a tenth of the epochs, at least one."""
    values = np.where(np.isfinite(values), values, np.nan)
    early = max(1, values.shape[1] // 10)
    later = values[:, early:]
    if values.shape[1] < 4 or np.isnan(later).all() or np.isnan(values[:, :early]).all():
        return
    low, high, peak = np.nanmin(values), np.nanmax(later), np.nanmax(values[:, :early])
    if peak <= high + (high - low) or high == low:
        return
    axes.set_ylim(low - 0.12 * (high - low), high + 0.3 * (high - low))
    when = epochs[np.nanargmax(values[:, :early]) % early]
    text = f"↑ epoch {when:.0f} reaches {number(peak)}"
    place = {"xy": (0.98, 0.95), "xycoords": "axes fraction", "ha": "right", "va": "top"}
    axes.annotate(text, **place, fontsize=10, color=MUTED, backgroundcolor="white")


def _mark(axes: Axes, table: dict[str, NDArray], part: str, best: int) -> None:
    epoch, value = table["epoch"][best], table[f"val_{part}"][best]
    axes.axvline(epoch, color=MUTED, linewidth=1, linestyle=":")
    if not np.isfinite(value):
        return
    axes.plot(
        [epoch],
        [value],
        marker="*",
        markersize=13,
        color=INK,
        markeredgecolor="white",
        linestyle="",
        zorder=4,
    )
    text = f"★ kept: {number(value)}, epoch {epoch:.0f}" if part == "loss" else f"★ {number(value)}"
    axes.set_title(text, loc="right", fontsize=11, weight="bold")
