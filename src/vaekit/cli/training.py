"""Commands that make runs, and what they are made of."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vaekit.cli import figures, parse, show, terminal
from vaekit.cli.options import Json, may_overwrite


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A recipe or a configuration file (.yaml). Default: what suits the data."
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A name (see `vaekit data`) or a path. Default: mnist.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="A path with the test rows.")] = None,
    support: Annotated[
        str | None, typer.Option(help="What values can be: binary, unit, integers:L, real.")
    ] = None,
    binarize: Annotated[
        str | None, typer.Option(help="Gray to binary: threshold, fixed (one draw), dynamic.")
    ] = None,
    resize: Annotated[
        str | None, typer.Option(metavar="HxW", help="Resize images, such as 64x64.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Draw that many training rows, by seed.")
    ] = None,
    latent_dim: Annotated[int | None, typer.Option(help="Latent dimensions.")] = None,
    conditional: Annotated[
        bool | None,
        typer.Option(
            "--conditional",
            help="Give the class to encoder, decoder and prior.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training rows.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows per update.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of split, start, order and noise.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")] = None,
    devices: Annotated[
        int | None, typer.Option(help="Processes per machine. Default: by torchrun or SLURM, or 1.")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(help="Machines. Default: by torchrun or SLURM, or 1.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, 32-true, 64-true or bf16-mixed.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other key, such as objective.beta=4."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder. Default: runs/RECIPE-DATA-TIME.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a run that is there.")] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with an interrupted run.")
    ] = None,
    json: Json = False,
) -> None:
    """Train a model: a run folder with weights, figures and pictures."""
    from vaekit import config, workflows
    from vaekit.errors import ConfigError
    from vaekit.workflows.train import is_rank_zero

    options = {
        "data": {
            "source": data,
            "test": test,
            "support": support,
            "binarize": binarize,
            "resize": parse.size(resize),
            "train_size": limit,
        },
        "training": {
            "epochs": epochs,
            "batch_size": batch_size,
            "device": device,
            "devices": devices,
            "nodes": nodes,
            "precision": precision,
        },
        "latent_dim": latent_dim,
        "conditional": conditional,
        "seed": seed,
    }
    given = _without_none(options)
    if resume is not None:
        if recipe or given or settings or out:
            raise ConfigError(
                "--resume takes a run folder and nothing that would change the run: leave the other options out"
            )
        run = workflows.resume(resume)
    else:
        chosen = config.merge(given, config.assignments(settings or []))
        run = workflows.train(recipe, out=out, force=force or may_overwrite(out), **chosen)
    if is_rank_zero(run.config.training):
        figures.trained(run, json)


def sweep(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe or a configuration file (.yaml).")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=V1,V2", help="A key with its values; several keys: all pairs."
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A name (see `vaekit data`) or a path. Default: mnist.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="A folder, for a run folder each. Run again, a sweep goes on.")
    ] = Path("sweep"),
    json: Json = False,
) -> None:
    """Train a recipe under several settings: a run each, one table, one picture of rate and distortion."""
    from vaekit import workflows

    show.sweep(workflows.sweep(recipe, parse.grid(settings or []), data=data, out=out), json)


def data(
    source: Annotated[
        str | None, typer.Argument(help="A name or a path to look at. Default: list the names.")
    ] = None,
    support: Annotated[
        str | None, typer.Option(help="What values can be: binary, unit, integers:L, real.")
    ] = None,
    resize: Annotated[
        str | None, typer.Option(metavar="HxW", help="Resize images, such as 64x64.")
    ] = None,
    json: Json = False,
) -> None:
    """List the datasets that have names, or say what is in one of your own."""
    from vaekit import data as datasets

    if source is None:
        terminal.table(datasets.describe(), json)
    else:
        show.dataset(datasets.load(source, support=support, resize=parse.size(resize)), json)


def _without_none(options: dict[str, Any]) -> dict[str, Any]:
    nested = {k: _without_none(v) if isinstance(v, dict) else v for k, v in options.items()}
    return {k: v for k, v in nested.items() if v is not None and v != {}}
