"""How commands print: tables and lines for people, one JSON object for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vaekit.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from vaekit.evaluation.catalogue import MetricInfo
    from vaekit.evaluation.metric import Metric
    from vaekit.evaluation.seed_spread import SeedSpread

PIPE_WIDTH = 200
NAME_WIDTH = 10
MAX_CELL_CHARACTERS = 1000


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(content, indent=2))


def print_line(text: str) -> None:
    """Print one line as it is."""
    from vaekit.runtime.terminal_progress import print_line as print_line_on

    print_line_on(_console(), text)


def print_facts(facts: Mapping[str, object]) -> None:
    """Print facts by name, one per line; None and an empty list as "none"."""
    width = max(NAME_WIDTH, *(len(name) + 2 for name in facts))
    for name, value in facts.items():
        text = "none" if value is None or value == [] else str(value)
        print_line(f"{name.replace('_', ' '):<{width}}{text}")


def print_files(paths: Sequence[object]) -> None:
    """Print the path of each written file."""
    for path in paths:
        print_facts({"file": path})


def print_result(facts: Mapping[str, object], as_json: bool) -> None:
    """Print facts as JSON or one per line."""
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
    unbroken: Sequence[str] = (),
) -> None:
    """Print a table; None is an empty cell.

    Args:
        columns: Titles of the columns.
        rows: The cells of each row.
        title: A line above the table.
        right: Columns that are aligned to the right.
        unbroken: Columns whose cells stay on one line.
    """
    from rich.table import Table
    from rich.text import Text

    heading = None if title is None else Text(printable(title))
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        justify = "right" if column in right else "left"
        table.add_column(Text(column), justify=justify, overflow="fold", no_wrap=column in unbroken)
    for row in rows:
        cells = ("" if cell is None else printable(cell, MAX_CELL_CHARACTERS) for cell in row)
        table.add_row(*map(Text, cells))
    _console().print(table)


def _console() -> "Console":
    """The terminal in its own width; files and pipes get long lines."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


# --- Metrics -------------------------------------------------------------------------------------


def metric_text(metric: "Metric", digits: int) -> str:
    """A metric with its standard error; "none" if it is unavailable."""
    if metric.value is None:
        return "none"
    value = f"{metric.value:.{digits}f}"
    error = metric.standard_error
    return value if error is None else f"{value} +- {error:.{digits}f}"


def metric_row(heading: str, metric: "Metric", digits: int) -> tuple[str, str, str]:
    """Heading, value and standard error of a metric as cells of a table."""
    if metric.value is None:
        return heading, "none", ""
    error = metric.standard_error
    return heading, f"{metric.value:.{digits}f}", "" if error is None else f"{error:.{digits}f}"


def print_metrics(
    title: str, infos: Mapping[str, "MetricInfo"], metrics: Mapping[str, "Metric"]
) -> None:
    """Print the metrics that the catalogue describes, and why some are unavailable."""
    rows = [
        metric_row(info.heading, metrics[name], info.digits)
        for name, info in infos.items()
        if name in metrics
    ]
    print_metric_rows(title, rows)
    for name, info in infos.items():
        if name in metrics and (reason := metrics[name].unavailable):
            print_line(f"{info.title}: {reason}.")


def print_metric_rows(title: str, rows: Sequence[Sequence[object]]) -> None:
    """Print rows of heading, value and standard error."""
    print_table((title, "value", "standard error"), rows, right=("value", "standard error"))


def print_seed_spreads(spreads: Sequence["SeedSpread"]) -> None:
    """Print the loss over seeds, beside the standard error over examples."""
    from vaekit.evaluation.catalogue import LIKELIHOOD

    if not spreads:
        return
    digits = LIKELIHOOD["loss"].digits
    numbers = ("seeds", "mean", "deviation over seeds", "standard error over examples")
    rows = [
        (
            ", ".join(spread.runs),
            len(spread.runs),
            metric_text(spread.mean, digits),
            f"{spread.deviation:.{digits}f}",
            f"{spread.example_error:.{digits}f}",
        )
        for spread in spreads
    ]
    print_table(("runs", *numbers), rows, title="Test loss over seeds", right=numbers)
