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
    from vaekit.workflows.compare import ComparedRun, Comparison

METRICS = ("loss", "reconstruction", "divergence", "importance_weighted_bound")


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
    from vaekit.workflows.comparison_plots import curves_path

    for path in (out, curves_path(out)):
        check_output(path, overwrite)
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


def print_comparison(comparison: "Comparison") -> None:
    """Print one row per run, the ranking, or why there is none, and the files."""
    from vaekit.evaluation.catalogue import LIKELIHOOD

    names = [name for name in METRICS if getattr(comparison.runs[0], name) is not None]
    metrics = [LIKELIHOOD[name].title for name in names]
    if comparison.importance_samples is not None:
        metrics[-1] += f" (K = {comparison.importance_samples})"
    numbers = ["examples", "latent", "parameters", *metrics, "seconds", "epochs"]
    title = (
        f"{comparison.examples:,} {comparison.split} examples of {comparison.data}, "
        f"seed {comparison.seed}; {comparison.unit}"
    )
    rows = [_row(run, names) for run in comparison.runs]
    output.print_table(["run", "recipe", *numbers], rows, title=title, right=numbers)
    errors = [getattr(run, name).standard_error or 0.0 for run in comparison.runs for name in names]
    output.print_line(f"standard errors up to {max(errors):.2f}")
    _print_ranking(comparison)
    output.print_seed_spreads(comparison.seed_spreads)
    output.print_files(comparison.files)


def _row(run: "ComparedRun", names: list[str]) -> list[str]:
    from vaekit.evaluation.catalogue import LIKELIHOOD

    values = []
    for name in names:
        value = getattr(run, name).value
        values.append("-" if value is None else f"{value:.{LIKELIHOOD[name].digits}f}")
    latent_dim = "-" if run.latent_dim is None else f"{run.latent_dim:,}"
    facts = [run.run, run.recipe, f"{run.training_examples:,}", latent_dim, f"{run.parameters:,}"]
    return [*facts, *values, f"{run.seconds:.0f}", str(run.epochs)]


def _print_ranking(comparison: "Comparison") -> None:
    if comparison.ranking is None:
        for reason in comparison.unranked_reasons:
            output.print_line(f"not ranked, protocols differ in {reason}")
        return
    from vaekit.evaluation.catalogue import LIKELIHOOD

    info = LIKELIHOOD[comparison.ranked_by or "loss"]
    best, *others = comparison.ranking
    behind = [
        f"{each.run} (behind by {output.metric_text(each.behind, info.digits)})" for each in others
    ]
    output.print_line(f"ranked by {info.title}: {', '.join([best.run, *behind])}")
