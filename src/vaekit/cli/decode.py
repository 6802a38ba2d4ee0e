"""`vaekit decode`."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Overwrite, RunPath, check_output
from vaekit.cli.parsing import parse_latent_codes


def decode(
    run: RunPath,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Latent codes (.npz, .npy, .csv)."),
    ] = None,
    codes: Annotated[
        list[str] | None,
        typer.Option(
            "--z", metavar="N,...", help="A latent code, such as --z=0.5,-1; can be repeated."
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Class of a conditional run. Default: the classes in FILE."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Image sheet (.png, .pdf, .svg) or array (.npy). "
            "Default: decoded.png, or decoded.npy if the examples are not images.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Decode latent codes to the means of p(x|z)."""
    from vaekit import workflows
    from vaekit.runs import load_run
    from vaekit.workflows.save_examples import default_suffix

    if (file is None) == (not codes):
        raise typer.BadParameter("expected a file of latent codes, or --z.", param_hint="FILE")
    latent_codes = file if file is not None else parse_latent_codes(codes or [])
    loaded = load_run(run)
    path = check_output(out or Path(f"decoded{default_suffix(loaded)}"), overwrite)
    decoded = workflows.decode(loaded, latent_codes, label=label, out=path)
    output.print_result({"examples": decoded.examples, "file": str(decoded.path)}, json)
