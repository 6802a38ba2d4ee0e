"""`vaekit plot`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vaekit.cli import output
from vaekit.cli.options import (
    Indices,
    Json,
    Label,
    OtherData,
    Overwrite,
    RunPath,
    Seed,
    Split,
    check_output,
)
from vaekit.cli.parsing import one_of, parse_range


def plot(
    run: RunPath,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Plots: latent, grid, reconstructions, samples, nearest, classes, curves, "
            "dimensions, usage, losses, traversals, interpolations. "
            "Default: all that suit the run, except the last two.",
        ),
    ] = None,
    split: Split = None,
    data: OtherData = None,
    indices: Indices = None,
    label: Label = None,
    across: Annotated[
        Any,
        typer.Option(
            metavar="LOW:HIGH",
            parser=parse_range,
            help="Grid: range of the first axis, such as --across=-2:2.",
        ),
    ] = None,
    down: Annotated[
        Any,
        typer.Option(
            metavar="LOW:HIGH", parser=parse_range, help="Grid: range of the second axis."
        ),
    ] = None,
    projection: Annotated[
        Any,
        typer.Option(
            metavar="NAME",
            parser=one_of("active", "pca"),
            help="Projection of more than two latent dimensions: active or pca.",
        ),
    ] = "active",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Folder; or a file for one plot (.png, .pdf, .svg; .gif or .webp to animate "
            "traversals and interpolations). Default: RUN/plots, where files are replaced.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Format in a folder: png, pdf or svg. Default: png."),
    ] = None,
    overwrite: Overwrite = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Draw the plots of a run."""
    from vaekit import workflows

    if out is not None and out.suffix:
        check_output(out, overwrite)
    paths = workflows.plot(
        run,
        names or (),
        data=data,
        split=split,
        out=out,
        format=format,
        indices=indices,
        across=across,
        down=down,
        projection=projection,
        label=label,
        seed=seed,
    )
    files = [str(path) for path in paths]
    if json:
        output.print_json({"files": files})
    else:
        output.print_files(files)
