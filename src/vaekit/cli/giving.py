"""Commands that give a run to others, programs and people."""

from pathlib import Path
from typing import Annotated

import typer

from vaekit.cli import figures, parse, show, terminal
from vaekit.cli.options import Data, Json, License, RunPath, Split


def export(
    run: RunPath,
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="Where encoder.onnx and decoder.onnx go, by default exported; or PAGE.html, for the explorer.",
        ),
    ] = None,
    hub: Annotated[
        Path | None,
        typer.Option(
            "--hub",
            metavar="DIR",
            help="Write a folder for the Hugging Face Hub instead, with a card.",
        ),
    ] = None,
    license: License = None,
    split: Split = None,
    data: Data = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    json: Json = False,
) -> None:
    """Write encoder and decoder as ONNX and as torch.export programs, or the explorer as a page; held to the model on rows."""
    from vaekit import workflows

    if hub is not None:
        parse.refuse_unused(
            "a folder for the hub", {"the place": out, "--split": split, "--data": data}
        )
        return terminal.written(workflows.export_hub(run, hub, license=license, force=force), json)
    parse.refuse_unused("what is not shared by --hub", {"--license": license})
    out = out or Path("exported")
    if out.suffix.lower() in (".html", ".htm"):
        return terminal.written(
            workflows.export_page(run, out, split=parse.part(split), data=data, force=force), json
        )
    parse.refuse_unused("ONNX files, only to a PAGE.html", {"--split": split})
    found = workflows.export_onnx(run, out, data=data, force=force)
    return terminal.written(found, json) if json else figures.exported(found)


def serve(
    run: RunPath,
    host: Annotated[
        str,
        typer.Option(
            help="An address of this machine. Another than a loopback one is open to its network."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any that is free.")] = 8000,
    max_batch_examples: Annotated[
        int | None,
        typer.Option(
            help="Of concurrent requests, computed together; 1: each alone. Default: by their size."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Answer HTTP requests to encode, decode, sample and score, until Ctrl-C."""
    from vaekit import workflows
    from vaekit.server import Limits

    limits = None if max_batch_examples is None else Limits(max_batch_examples=max_batch_examples)
    workflows.serve(
        run, host=host, port=port, limits=limits, ready=lambda address: show.serving(address, json)
    )


def push(
    run: RunPath,
    repo: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="A repository of the Hugging Face Hub.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="For you alone: the repository is made private.")
    ] = False,
    message: Annotated[str, typer.Option(help="Of the commit.")] = "Push a run of vaekit",
    license: License = None,
    json: Json = False,
) -> None:
    """Put a run on the Hugging Face Hub, as `export --hub` writes it (pip install "vaekit[hub]")."""
    from vaekit import workflows

    address = workflows.push(run, repo, private=private, message=message, license=license)
    terminal.written({"repository": repo, "commit": address}, json)


def pull(
    repo: Annotated[
        str,
        typer.Argument(
            metavar="OWNER/NAME[@REVISION]", help="A repository of the Hugging Face Hub."
        ),
    ],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="The run folder. Default: runs/NAME.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a run that was pulled there before.")
    ] = False,
    json: Json = False,
) -> None:
    """Take a run from the Hugging Face Hub: nothing in it is executed (pip install "vaekit[hub]")."""
    from vaekit import workflows

    run = workflows.pull(repo, folder, force=force)
    terminal.written(
        {"run": str(run.path), "recipe": run.config.recipe, "data": run.config.data.source}, json
    )
