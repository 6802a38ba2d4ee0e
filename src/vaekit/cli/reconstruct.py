"""`vaekit reconstruct`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import (
    Indices,
    Json,
    Overwrite,
    OwnExamples,
    RunPath,
    Split,
    check_output,
)
from vaekit.json_types import JsonObject

if TYPE_CHECKING:
    from vaekit.runs.reconstruction import Reconstruction

MAX_NUMBERS = 8


def reconstruct(
    run: RunPath,
    data: OwnExamples = None,
    split: Split = None,
    indices: Indices = None,
    label: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only examples of this class.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Plot (.png, .pdf, .svg) or decoded examples (.npy). "
            "Default: RUN/plots/reconstruct.png.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Reconstruct selected examples and print their latent codes."""
    from vaekit import workflows
    from vaekit.runs import load_run

    if out is not None:
        check_output(out, overwrite)
    loaded = load_run(run)
    result, path = workflows.reconstruct(
        loaded, data=data, split=split, indices=indices, label=label, out=out
    )
    examples = list(_described(result, loaded.config.data.classes))
    if json:
        output.print_json({"examples": examples, "file": str(path)})
        return
    rows = [[_shortened(value) for value in example.values()] for example in examples]
    output.print_table(list(examples[0]), rows)
    output.print_files([str(path)])


def _described(result: "Reconstruction", classes: Sequence[str]) -> Iterator[JsonObject]:
    """File and class if there are any, index, code and standard deviation of each example."""
    for i, index in enumerate(result.indices):
        example: JsonObject = {} if result.files is None else {"file": result.files[i]}
        example["index"] = int(index)
        if result.labels is not None and classes:
            example["class"] = classes[result.labels[i]]
        example["code"] = result.codes.mean[i].tolist()
        example["stddev"] = result.codes.stddev[i].tolist()
        yield example


def _shortened(value: object) -> object:
    """The first numbers of a list as text; another value as it is."""
    if not isinstance(value, list):
        return value
    text = " ".join(f"{number:.2f}" for number in value[:MAX_NUMBERS])
    return f"{text} ..." if len(value) > MAX_NUMBERS else text
