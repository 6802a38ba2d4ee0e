"""`vaekit data`."""

from typing import TYPE_CHECKING, Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, Size, Support

if TYPE_CHECKING:
    from vaekit.data import Dataset


def data(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="Name or path of a dataset. Default: list the named datasets."
        ),
    ] = None,
    support: Support = None,
    resize: Size = None,
    json: Json = False,
) -> None:
    """List the named datasets, or describe a dataset."""
    from vaekit import data as datasets

    if source is not None:
        print_dataset(datasets.load(source, support=support, resize=resize), json)
        return
    described = datasets.describe()
    if json:
        output.print_json({"datasets": described})
    else:
        rows = [list(dataset.values()) for dataset in described]
        output.print_table(list(described[0]), rows)


def print_dataset(dataset: "Dataset", as_json: bool) -> None:
    """Print name, shape, support, number of examples and classes."""
    facts = {
        "name": dataset.name,
        "shape": list(dataset.shape),
        "support": str(dataset.support),
        "dtype": str(dataset.train.x.dtype),
    }
    if dataset.stream is None:
        facts["train"] = len(dataset.train)
    else:
        facts["shards"] = len(dataset.stream)
        facts["held_out"] = len(dataset.train)
    facts["test"] = None if dataset.test is None else len(dataset.test)
    facts["classes"] = list(dataset.classes)
    output.print_result(facts, as_json)
