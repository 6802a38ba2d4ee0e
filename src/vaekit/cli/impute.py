"""`vaekit impute`."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Overwrite, RunPath, Seed, check_output


def impute(
    run: RunPath,
    data: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Examples (.npy), NaN where a value is missing."),
    ],
    missing: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Mask (.npy), True where a value is missing."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Imputed examples (.npy), or an image sheet (.png, .pdf, .svg)."
        ),
    ] = Path("imputed.npy"),
    iterations: Annotated[int, typer.Option(metavar="N", help="Iterations of the sampler.")] = 100,
    proposals: Annotated[
        int, typer.Option(metavar="N", help="Latent codes proposed per iteration.")
    ] = 50,
    overwrite: Overwrite = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Impute missing values from the observed ones."""
    from vaekit import workflows

    imputed = workflows.impute(
        run,
        data,
        missing=missing,
        out=check_output(out, overwrite),
        iterations=iterations,
        proposals=proposals,
        seed=seed,
    )
    facts = {
        "examples": imputed.examples,
        "missing_fraction": round(imputed.missing_fraction, 6),
        "file": str(imputed.path),
    }
    output.print_result(facts, json)
