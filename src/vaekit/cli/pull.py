"""`vaekit pull`."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json


def pull(
    repository: Annotated[
        str,
        typer.Argument(metavar="OWNER/NAME[@REVISION]", help="Repository of the Hugging Face Hub."),
    ],
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Run folder. Default: runs/NAME."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Overwrite a run that was pulled before.")
    ] = False,
    json: Json = False,
) -> None:
    """Download a run from the Hugging Face Hub.

    Nothing in it is executed. Install with: pip install "vaekit[hub]"
    """
    from vaekit import workflows

    run = workflows.pull(repository, folder, overwrite=overwrite)
    facts = {"run": str(run.path), "recipe": run.config.recipe, "data": run.config.data.source}
    output.print_result(facts, json)
