"""Options that several commands have, and the question whether a file may be overwritten."""

from pathlib import Path
from typing import Annotated

import typer

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Split = Annotated[
    str | None,
    typer.Option(help="Rows: train, validation or test. Default: test; of other data all."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")]
Data = Annotated[str | None, typer.Option(help="Other rows than the run's own: a path.")]
Indices = Annotated[
    str | None,
    typer.Option("--index", help="Rows, such as 0,1,7 or 0-9; with --label, of that class."),
]
Label = Annotated[
    str | None, typer.Option(help="The class, of a conditional run. Default: all in turn.")
]
License = Annotated[
    str | None,
    typer.Option(help="For the Hub's model card, such as mit. Default: left to you to state."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the noise.")]


def free(path: Path, force: bool) -> Path:
    """A file to write; OutputError where there is one that may not be overwritten, or that belongs to a run."""
    import sys

    from vaekit.errors import OutputError
    from vaekit.runs import FILES

    if (path.parent / "config.yaml").is_file() and path.name in FILES:
        raise OutputError(f"{path} is a file of the run in {path.parent}: choose another --out")
    if (
        path.exists()
        and not force
        and not (sys.stdin.isatty() and typer.confirm(f"{path} exists: overwrite it?", err=True))
    ):
        raise OutputError(f"{path} exists: choose another --out, or overwrite it with --force")
    return path


def may_overwrite(out: Path | None) -> bool:
    """Ask, where a run is there and somebody can answer: of several processes none does."""
    import os
    import sys

    there = out is not None and (out / "config.yaml").is_file() and "LOCAL_RANK" not in os.environ
    return (
        there
        and sys.stdin.isatty()
        and typer.confirm(f"{out} exists: overwrite the run in it?", err=True)
    )
