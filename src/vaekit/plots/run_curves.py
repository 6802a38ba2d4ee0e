"""Loss, reconstruction and divergence of several runs on common axes."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.curves import (
    EARLY_FRACTION,
    LOSS_COLUMNS,
    MIN_CUT_EPOCHS,
    SERIES,
    STAGE_LINE,
    Table,
    history_table,
    limit_scale,
    panel_titles,
)
from vaekit.plots.style import (
    CLASS_COLORS,
    INK,
    add_title,
    format_number,
    shorten_start,
    styled,
)

WIDTH = 5.6
PANEL_HEIGHT = 1.9
COLUMNS = ("step", *LOSS_COLUMNS)
MAX_NAME_CHARACTERS = 32
MIN_LOG_RATIO = 10
"""Ratio of the longest run to the shortest from which steps are on a log scale."""
MIN_THIN_EPOCHS = 200
THIN_LINE = 0.6


@styled
def run_curves(
    runs: Mapping[str, Mapping[str, ArrayLike]],
    best_epochs: Mapping[str, int | None] | None = None,
    second_stage_epochs: Mapping[str, int | None] | None = None,
    *,
    title: str = "",
) -> Figure:
    """Draw loss, reconstruction and divergence of several runs by step, and mark best epochs.

    Steps and not epochs, since the epochs of runs on different numbers of examples differ in
    length; on a log scale if one run made ten times the steps of another. Values that are not
    finite are left out. An early part far above the rest runs off the scale, which the panel
    states.

    Args:
        runs: By name of the run the columns step, train_loss, train_reconstruction,
            train_divergence, val_loss, val_reconstruction and val_divergence, in nats per
            example, [epochs] each.
        best_epochs: The best epoch by name of the run, from 1.
        second_stage_epochs: The first epoch of a second stage by name of the run; a line in its
            color is drawn where it begins.
        title: The title.

    Returns:
        The figure, one panel per term; if no run has a divergence only the loss.

    Raises:
        DataError: No runs, a missing column, or columns of different lengths.

    >>> columns = {name: [3.0, 2.0] for name in COLUMNS} | {"step": [10, 20]}
    >>> [axes.get_title("left") for axes in run_curves({"one": columns, "two": columns}).axes]
    ['Loss (negative ELBO)', 'Reconstruction', 'Divergence']
    """
    if not runs:
        raise DataError.for_value("runs", dict(runs), "at least one run")
    tables = {
        name: history_table(history, COLUMNS, f"runs.{name}") for name, history in runs.items()
    }
    best = best_epochs or {}
    second = second_stage_epochs or {}
    terms = panel_titles(list(tables.values()))
    figure = Figure(figsize=(WIDTH, PANEL_HEIGHT * len(terms) + 1.7), layout="constrained")
    panels = figure.subplots(len(terms), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (term, heading) in zip(panels, terms.items(), strict=True):
        for index, (name, table) in enumerate(tables.items()):
            _draw_run(axes, table, term, _color(index), best.get(name))
            _mark_second_stage(axes, table, _color(index), second.get(name))
        _finish_panel(axes, list(tables.values()), term)
        axes.set_title(heading)
    panels[-1].set_xlabel("step")
    if _need_log_scale([table["step"] for table in tables.values()]):
        panels[-1].set_xscale("log")
        panels[-1].xaxis.set_major_formatter("{x:,.0f}")
    _add_legend(figure, list(tables), has_stages=any(second.values()))
    add_title(figure, title)
    return figure


def _color(index: int) -> str:
    return CLASS_COLORS[index % len(CLASS_COLORS)]


def _need_log_scale(steps: Sequence[NDArray]) -> bool:
    """Whether the shortest run would be a dot next to the longest."""
    last_steps = [column[-1] for column in steps if len(column)]
    if not last_steps:
        return False
    return bool(max(last_steps) >= MIN_LOG_RATIO * min(last_steps) > 0)


def _draw_run(axes: Axes, table: Table, term: str, color: str, best: int | None) -> None:
    steps = table["step"]
    for series, (_, _, line) in SERIES.items():
        values = table[f"{series}_{term}"]
        finite = np.isfinite(values)
        width = 2 if series == "val" else 1.4
        if finite.sum() >= MIN_THIN_EPOCHS:
            width *= THIN_LINE
        look = {"color": color, "linestyle": line, "linewidth": width}
        marker = "o" if finite.sum() == 1 else ""
        axes.plot(steps[finite], values[finite], marker=marker, **look)
    if best is not None and best <= len(steps):
        value = table[f"val_{term}"][best - 1]
        look = {"marker": "*", "markersize": 13, "markeredgecolor": "white", "zorder": 4}
        axes.plot(steps[best - 1], value, color=color, linestyle="", **look)


def _mark_second_stage(axes: Axes, table: Table, color: str, epoch: int | None) -> None:
    """Mark the last step of the epoch before, if the history has it."""
    if epoch is not None and 2 <= epoch <= len(table["step"]):
        axes.axvline(table["step"][epoch - 2], color=color, **STAGE_LINE)


def _finish_panel(axes: Axes, tables: Sequence[Table], term: str) -> None:
    axes.set_ylabel("nats")
    axes.margins(y=0.12)
    values = [np.stack([table[f"{series}_{term}"] for series in SERIES]) for table in tables]
    _cut_early_steps(axes, values)


def _cut_early_steps(axes: Axes, runs: Sequence[NDArray]) -> None:
    """Limit the scale to the later epochs of all runs if a first tenth is far above them."""
    values = _finite_values(runs)
    later = _finite_values([_without_early_epochs(run) for run in runs])
    if not len(later):
        return
    peak = values.max()
    text = f"↑ begins at up to {format_number(peak)}"
    limit_scale(axes, values.min(), later.max(), peak, text)


def _without_early_epochs(values: NDArray) -> NDArray:
    count = values.shape[1]
    if count < MIN_CUT_EPOCHS:
        return values
    return values[:, max(1, count // EARLY_FRACTION) :]


def _finite_values(arrays: Sequence[NDArray]) -> NDArray:
    return np.concatenate([array[np.isfinite(array)] for array in arrays])


def _add_legend(figure: Figure, names: list[str], *, has_stages: bool) -> None:
    """A column of runs and a column of line styles."""
    styles = {name: Line2D([], [], color=INK, linestyle=line) for name, _, line in SERIES.values()}
    styles = dict(reversed(styles.items()))
    styles["best epoch"] = Line2D([], [], color=INK, linestyle="", marker="*", markersize=11)
    if has_stages:
        styles[STAGE_LINE["label"]] = Line2D([], [], color=INK, **STAGE_LINE)
    runs = [Line2D([], [], color=_color(index), linewidth=3) for index in range(len(names))]

    blank = Line2D([], [], linestyle="")
    rows = list(zip_longest(runs, styles.values(), fillvalue=blank))
    handles = [run for run, _ in rows] + [style for _, style in rows]
    texts = [" "] * len(rows) + list(styles) + [" "] * (len(rows) - len(styles))
    legend = figure.legend(handles, texts, loc="outside lower center", ncols=2)
    # Set afterwards: a label that begins with "_" would be left out.
    for text, name in zip(legend.get_texts(), names, strict=False):
        text.set_text(shorten_start(name, MAX_NAME_CHARACTERS))
