"""`vaekit sample`."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Label, NewLocation, Overwrite, RunPath, Seed, check_output


def sample(
    run: RunPath,
    count: Annotated[int, typer.Option(metavar="N", help="Number of samples.")] = 64,
    label: Label = None,
    mixture: Annotated[
        bool,
        typer.Option(
            "--mixture",
            help="Sample latent codes from a Gaussian mixture over training codes instead of "
            "the prior.",
        ),
    ] = False,
    sample_likelihood: Annotated[
        bool,
        typer.Option("--sample-likelihood", help="Sample p(x|z) instead of taking its mean."),
    ] = False,
    data: NewLocation = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Image sheet (.png, .pdf, .svg) or array (.npy). Default: in RUN/plots, where "
            "files are replaced.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Sample new examples from the prior, or from a mixture."""
    from vaekit import workflows

    if out is not None:
        check_output(out, overwrite)
    path = workflows.sample(
        run,
        count,
        label=label,
        mixture=mixture,
        sample_likelihood=sample_likelihood,
        data=data,
        out=out,
        seed=seed,
    )
    facts = {"count": count, "label": label, "seed": seed, "file": str(path)}
    output.print_result(facts, json)
