"""`vaekit push`."""

from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, License, RunPath


def push(
    run: RunPath,
    repository: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="Repository of the Hugging Face Hub.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Make the repository private.")
    ] = False,
    message: Annotated[
        str, typer.Option(metavar="TEXT", help="Message of the commit.")
    ] = "Push a run of vaekit",
    license: License = None,
    json: Json = False,
) -> None:
    """Upload a run with a model card to the Hugging Face Hub.

    Uploads what `vaekit export RUN --hub FOLDER` writes. Install with: pip install "vaekit[hub]"
    """
    from vaekit import workflows

    commit = workflows.push(run, repository, private=private, message=message, license=license)
    output.print_result({"repository": repository, "commit": commit}, json)
