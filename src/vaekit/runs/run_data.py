"""Which rows a command is about: a part of the run's own data, or others that suit it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vaekit import data as datasets
from vaekit.data import Dataset, Examples, check_compatible
from vaekit.data.binarization import binarize
from vaekit.data.readers.image_files import MixedSizesError
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, DataError, suggest
from vaekit.inputs import ModelInputs
from vaekit.runs import Run, load_split
from vaekit.workflows.training_setup import load_data

GRAY = np.array([0.299, 0.587, 0.114])  # ITU-R 601, as in Pillow


PARTS = ("train", "validation", "test")


def find_examples(
    run: Run, split: SplitName | None = None, data: Any = None
) -> tuple[Examples, str]:
    """Raw rows to use the model on, and what they are: a part of the run's own data, by default test, or all of `data`.

    Labels are in the run's numbers. With a `split`, the run's own data, given again, are split as they were; of other data
    that have a test part it chooses between that and the rest.
    """
    if split is not None:
        return evaluation_examples(run, split, data)
    return (
        _own(run, load_data(run.config), split)
        if data is None
        else _suiting(run, _others(run, data), split)
    )


def evaluation_examples(run: Run, split: SplitName | None, data: Any) -> tuple[Examples, str]:
    """The same to judge the model on: its own data, given again, are split as they were, and no training row is a test."""
    return evaluation_examples_and_dataset(run, split, data)[:2]


def evaluation_examples_and_dataset(
    run: Run, split: SplitName | None, data: Any
) -> tuple[Examples, str, Dataset | None]:
    """The same with the dataset that the run was trained on, where it is that."""
    if split is not None and split not in PARTS:
        raise ConfigError(f"split {split!r}: {suggest(str(split), PARTS)}")
    dataset = load_data(run.config) if data is None else _others(run, data)
    if data is None or dataset.fingerprint() == run.config.data.fingerprint:
        return *_own(run, dataset, split), dataset
    return *_suiting(run, dataset, split), None


def as_inputs(run: Run, rows: Examples, limit: int | None = None) -> ModelInputs:
    """Raw rows, the first `limit` of them, for the run's model; DataError where it is conditional and they have no classes."""
    if not run.model.classes:
        return ModelInputs(rows.x[:limit], run.transform)
    if rows.y is None:
        raise DataError(
            "this run is conditional, and these rows have no labels of its classes: give rows that have"
        )
    return ModelInputs(rows.x[:limit], run.transform, y=rows.y[:limit])


def label_of(data: Any) -> str:
    """What rows that were given are called."""
    return Path(data).stem if isinstance(data, str | os.PathLike) else "rows given"


def _own(run: Run, dataset: Dataset, split: SplitName | None) -> tuple[Examples, str]:
    if split == "train" and dataset.stream is not None:
        raise DataError(
            "this run trained on shards that were streamed: give one of them as rows of your own, or another split"
        )
    return load_split(run.path).rows(dataset, split or "test"), split or "test"


def _suiting(run: Run, dataset: Dataset, split: SplitName | None) -> tuple[Examples, str]:
    if dataset.stream is not None:
        raise DataError(
            f"{dataset.name!r} are several shards, which are for training: give one at a time"
        )
    rows, part = dataset.train, "all"
    if dataset.test is not None:
        rows, part = (
            (dataset.test, "test") if split in (None, "test") else (dataset.train, "all but test")
        )
    elif split is not None:
        raise DataError(
            f"{dataset.name!r} has no parts to choose {split} from, it is taken whole: leave --split out"
        )
    rows = replace(rows, y=_renumbered(run, dataset, rows))
    check_compatible(rows, run.model.data_shape, run.support, repr(dataset.name))
    return rows, part


def _others(run: Run, data: Any) -> Dataset:
    """Other data, taken for what the run was trained on: its support, and for images its size and number of channels."""
    how = run.config.data.binarize
    support = run.config.data.support if how else run.support
    if isinstance(data, str) and data in datasets.NAMES:
        dataset = binarize(datasets.load(data), how)
        if dataset.support != run.support:
            raise DataError(
                f"{data!r} has the support {dataset.support}, the model was trained on {run.support}"
            )
        return dataset
    images = isinstance(data, str | os.PathLike) and Path(data).suffix.lower() not in (
        ".npy",
        ".npz",
    )
    try:
        dataset = datasets.load(
            data, support=support, resize=run.config.data.resize if images else None
        )
    except MixedSizesError as error:
        size = "x".join(map(str, run.model.data_shape[1:]))
        raise DataError(
            f"{error.found}: this run takes images of {size} (height x width), resize them first"
        ) from None
    return binarize(
        _recoloured(run, dataset) if images and dataset.train.x.dtype == np.uint8 else dataset, how
    )


def _recoloured(run: Run, dataset: Dataset) -> Dataset:
    """Gray images for a model of colour ones as three equal channels, colour ones for a model of gray as their lightness."""
    channels = dataset.shape[0], run.model.data_shape[0]
    if channels == (1, 3):
        change = lambda x: np.repeat(x, 3, axis=1)  # noqa: E731
    elif channels == (3, 1):
        change = lambda x: np.round(np.tensordot(x, GRAY, (1, 0)))[:, None].astype(np.uint8)  # noqa: E731
    else:
        return dataset
    test = None if dataset.test is None else replace(dataset.test, x=change(dataset.test.x))
    return replace(dataset, train=replace(dataset.train, x=change(dataset.train.x)), test=test)


def _renumbered(run: Run, dataset: Dataset, rows: Examples) -> np.ndarray | None:
    """Labels as the run numbers its classes; none where it does not know them all."""
    known = {name: number for number, name in enumerate(run.config.data.classes)}
    if rows.y is None or not set(dataset.classes) <= known.keys():
        return None
    return np.array([known[name] for name in dataset.classes])[rows.y]
