"""`vaekit sweep`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Recipe, config_overrides, takes_config_options
from vaekit.cli.parsing import parse_grid


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
    result = workflows.sweep(recipe, grid, out=out, **config_overrides(options)).to_dict()
    if json:
        output.print_json(result)
    else:
        print_sweep(result)


def print_sweep(result: dict[str, Any]) -> None:
    """Print one row per run, and the files."""
    columns = list(result["runs"][0])
    rows = [list(run.values()) for run in result["runs"]]
    output.print_table(columns, rows, title=f"Test split, {result['unit']}", right=columns[1:])
    output.print_facts({"out": result["out"]})
    output.print_files(result["files"])
