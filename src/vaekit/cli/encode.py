"""`vaekit encode`."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Overwrite, OwnExamples, RunPath, Split, check_output


def encode(
    run: RunPath,
    data: OwnExamples = None,
    split: Split = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Latent codes (.npz, .csv), or means only, in bounded memory (.npy).",
        ),
    ] = Path("codes.npz"),
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write the latent codes of examples: mean and stddev of q(z|x)."""
    from vaekit import workflows
    from vaekit.runs import load_run

    check_output(out, overwrite)
    loaded = load_run(run)
    encoded = workflows.encode(loaded, out, data=data, split=split)
    facts = {
        "examples": encoded.examples,
        "part": encoded.part,
        "latent_dim": loaded.config.latent_dim,
        "file": str(encoded.path),
    }
    output.print_result(facts, json)
