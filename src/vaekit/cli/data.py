"""`vaekit data`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Crop, Group, Json, Size, SkipUnreadable, Support, Tile
from vaekit.json_types import JsonObject

if TYPE_CHECKING:
    import numpy as np

    from vaekit.data import Dataset

MAX_CLASSES = 50
"""Classes that are printed with their numbers of examples; the others are counted."""


def data(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA", help="Name or path of a dataset. Default: list the named datasets."
        ),
    ] = None,
    support: Support = None,
    crop: Crop = None,
    resize: Size = None,
    tile: Tile = None,
    group: Group = None,
    skip_unreadable: SkipUnreadable = None,
    json: Json = False,
) -> None:
    """List the named datasets, or describe a dataset."""
    from vaekit import data as datasets

    if source is not None:
        dataset = datasets.load(
            source,
            support=support,
            crop=crop,
            resize=resize,
            tile=tile,
            group=group,  # type: ignore[arg-type]
            skip_unreadable=bool(skip_unreadable),
        )
        print_dataset(dataset, json)
        return
    described = datasets.describe()
    if json:
        output.print_json({"datasets": described})
    else:
        rows = [list(dataset.values()) for dataset in described]
        output.print_table(list(described[0]), rows)


def print_dataset(dataset: "Dataset", as_json: bool) -> None:
    """Print name, shape, support, splits, classes, skipped files and notes."""
    from vaekit.data.duplicates import count_repeated

    facts = _counts(dataset)
    facts["duplicates"] = count_repeated(dataset)
    per_class = dict(_examples_per_class(dataset))
    if as_json:
        skipped = [each._asdict() for each in dataset.skipped]
        classes = {"classes": list(dataset.classes), "examples_per_class": per_class}
        output.print_json({**facts, **classes, "skipped": skipped, "notes": list(dataset.notes)})
        return
    shown = [f"{name} ({_text(counts)})" for name, counts in per_class.items()]
    facts["classes"] = ", ".join(shown[:MAX_CLASSES]) or None
    if len(shown) > MAX_CLASSES:
        facts["classes"] = f"{facts['classes']}, ... ({len(shown):,} classes)"
    output.print_facts(facts)
    for each in dataset.skipped:
        output.print_facts({"skipped": f"{each.count:,} {each.reason}: {each}"})
    listed = [str(each) for each in dataset.skipped]
    for note in dataset.notes:
        if not any(names in note for names in listed):
            output.print_line(f"note: {note}")


def _counts(dataset: "Dataset") -> JsonObject:
    """Name, shape, support, type, files, and the number of examples of each split."""
    facts: JsonObject = {
        "name": dataset.name,
        "shape": list(dataset.shape),
        "support": str(dataset.support),
        "dtype": str(dataset.train.x.dtype),
    }
    if dataset.train.groups is not None:
        facts["groups"] = len(set(dataset.train.groups.tolist()))
    if dataset.stream is None:
        facts["train"] = len(dataset.train) - dataset.validation_count
    else:
        facts["shards"] = len(dataset.stream)
        facts["held_out"] = len(dataset.train)
    if dataset.validation is not None:
        facts["validation"] = dataset.validation_count
    facts["test"] = None if dataset.test is None else len(dataset.test)
    return facts


def _examples_per_class(dataset: "Dataset") -> "Iterator[tuple[str, dict[str, int]]]":
    """The number of examples of each class in each split."""
    import numpy as np

    labels = {
        split: np.bincount(y, minlength=len(dataset.classes)) for split, y in _labels(dataset)
    }
    for index, name in enumerate(dataset.classes):
        yield name, {split: int(counts[index]) for split, counts in labels.items()}


def _labels(dataset: "Dataset") -> "Iterator[tuple[str, np.ndarray]]":
    import numpy as np

    y = dataset.train.y
    if y is not None and dataset.validation is not None:
        yield "train", np.delete(y, dataset.validation)
        yield "validation", y[dataset.validation]
    elif y is not None:
        yield "train", y
    if dataset.test is not None and dataset.test.y is not None:
        yield "test", dataset.test.y


def _text(counts: dict[str, int]) -> str:
    """Numbers by split; of a single split the number alone."""
    if len(counts) == 1:
        return f"{next(iter(counts.values())):,}"
    return ", ".join(f"{count:,} {split}" for split, count in counts.items())
