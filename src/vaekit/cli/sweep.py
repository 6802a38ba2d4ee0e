"""`vaekit sweep`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Recipe, config_overrides, takes_config_options
from vaekit.cli.parsing import parse_grid

if TYPE_CHECKING:
    from vaekit.workflows.sweep import SweepResult

METRICS = ("loss", "reconstruction", "divergence")


@takes_config_options
def sweep(
    recipe: Recipe = None,
    *,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=V1,V2",
            help="Values of a key; several keys: all combinations.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(metavar="N", help="Train every setting with N seeds, from 0 on."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Folder with a run folder per run; an interrupted sweep is resumed.",
        ),
    ] = Path("sweep"),
    json: Json = False,
    **options: Any,
) -> None:
    """Train a recipe under several settings and compare the runs."""
    from vaekit import workflows

    grid = parse_grid(settings or [])
    result = workflows.sweep(recipe, grid, out=out, seeds=seeds, **config_overrides(options))
    if json:
        output.print_json(result.to_dict())
    else:
        print_sweep(result)


def print_sweep(result: "SweepResult") -> None:
    """Print one row per run, and the files."""
    from vaekit.evaluation.catalogue import LIKELIHOOD, NATS

    infos = [LIKELIHOOD[name] for name in METRICS]
    numbers = [*(info.title for info in infos), "epochs", "seconds"]
    keys = list(result.runs[0].settings)
    rows = [
        [
            run.name,
            *run.settings.values(),
            *(output.metric_text(getattr(run, name), LIKELIHOOD[name].digits) for name in METRICS),
            run.epochs,
            run.seconds,
        ]
        for run in result.runs
    ]
    output.print_table(["run", *keys, *numbers], rows, title=f"Test split, {NATS}", right=numbers)
    output.print_seed_spreads(result.seed_spreads)
    output.print_facts({"out": result.out})
    output.print_files(result.files)
