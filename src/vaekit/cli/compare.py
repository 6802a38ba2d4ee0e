"""`vaekit compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import (
    Json,
    MaxExamples,
    NewLocation,
    Overwrite,
    RunSplit,
    Seed,
    check_output,
)

if TYPE_CHECKING:
    from vaekit.evaluation.comparison import Comparison


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Run folders, 2 to 8, of the same data."),
    ],
    split: RunSplit = None,
    data: NewLocation = None,
    max_examples: MaxExamples = None,
    importance_samples: Annotated[
        int | None,
        typer.Option(metavar="N", help="K of the importance-weighted bound. Default: no bound."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Plot of the runs (.png, .pdf, .svg); training curves go to NAME-curves.",
        ),
    ] = Path("compare.png"),
    overwrite: Overwrite = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Compare runs on the same examples: a table, and plots.

    Runs of one protocol are ranked by their differences per example.
    """
    from vaekit import workflows
    from vaekit.errors import WorkError
    from vaekit.workflows.comparison_plots import curves_path

    check_output(out, overwrite)
    check_output(curves_path(out), overwrite)
    comparison = workflows.compare(
        runs,
        split=split,
        data=data,
        max_examples=max_examples,
        importance_samples=importance_samples,
        out=out,
        seed=seed,
    )
    if json:
        output.print_json(comparison.to_dict())
    else:
        print_comparison(comparison)
    if comparison.plot_failure is not None:
        raise WorkError(f"{comparison.plot_failure} The metrics stand.")


def print_comparison(comparison: "Comparison") -> None:
    """Print one row per run, the ranking, or why there is none, and the files."""
    rows = comparison.rows
    columns = list(rows[0])
    cells = [list(row.values()) for row in rows]
    output.print_table(columns, cells, title=comparison.title, right=columns[2:])
    output.print_line(comparison.precision)
    output.print_line(comparison.verdict.replace("±", "+-"))
    output.print_seed_spreads(comparison.seed_spreads)
    output.print_files(comparison.files)
