"""`vaekit export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, License, OtherData, Overwrite, RunPath, Split, check_unused

if TYPE_CHECKING:
    from vaekit.workflows.export import ExportResult
    from vaekit.workflows.hub import SharedFolder

PAGE_SUFFIXES = (".html", ".htm")


def export(
    run: RunPath,
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="Folder of encoder.onnx and decoder.onnx; or PAGE.html for the explorer. "
            "Default: exported.",
        ),
    ] = None,
    hub: Annotated[
        Path | None,
        typer.Option(
            "--hub",
            metavar="FOLDER",
            help="Write a folder with a model card for the Hugging Face Hub instead.",
        ),
    ] = None,
    license: License = None,
    split: Split = None,
    data: OtherData = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Export a run to ONNX, an HTML page or the Hugging Face Hub.

    Encoder and decoder are written as ONNX and as torch.export programs; the ONNX files are
    verified against PyTorch on test data.
    """
    from vaekit import workflows

    if hub is not None:
        check_unused({"out": out, "split": split, "data": data}, "on a folder for the Hub")
        shared = workflows.export_hub(run, hub, license=license, overwrite=overwrite)
        if json:
            output.print_json(shared.to_dict())
        else:
            print_shared(shared)
        return
    check_unused({"license": license}, "without --hub")
    out = out or Path("exported")
    if out.suffix.lower() in PAGE_SUFFIXES:
        page = workflows.export_page(run, out, split=split, data=data, overwrite=overwrite)
        output.print_result(page.to_dict(), json)
        return
    check_unused({"split": split}, "on ONNX files")
    exported = workflows.export_onnx(run, out, data=data, overwrite=overwrite)
    if json:
        output.print_json(exported.to_dict())
    else:
        print_exported(exported)


def print_shared(shared: "SharedFolder") -> None:
    """Print the folder, its files, and which plots show examples of the data."""
    output.print_facts({"folder": shared.folder})
    output.print_files(shared.files)
    if shared.data_plots:
        plots = ", ".join(shared.data_plots)
        output.print_line(f"note: these plots show examples of the data: {plots}")


def print_exported(exported: "ExportResult") -> None:
    """Print the files and their difference from the model."""
    output.print_files(exported.files)
    for name, difference in exported.largest_difference.items():
        output.print_line(
            f"{name}: largest difference from PyTorch {difference:.1e} of the largest value, "
            f"on {exported.compared_examples} test examples"
        )
