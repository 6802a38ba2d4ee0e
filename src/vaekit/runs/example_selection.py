"""Select the examples to use a model on: a part of the run's dataset, or other examples."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vaekit import data as datasets
from vaekit.data import Dataset, Examples, check_compatible
from vaekit.data.binarization import binarize
from vaekit.data.color import with_channels
from vaekit.data.readers.image_arrays import MixedSizesError
from vaekit.data.readers.image_options import SIZES
from vaekit.data.splits import SPLIT_NAMES, SplitName
from vaekit.data.support import Support
from vaekit.errors import ConfigError, DataError
from vaekit.runs.dataset_source import image_options
from vaekit.runs.folder import load_split
from vaekit.runs.run import Run
from vaekit.runs.run_data import RunData


class ExampleSelection(NamedTuple):
    """Examples with labels in the class numbers of the run.

    Attributes:
        examples: Raw examples.
        part: train, validation or test of a dataset; `all`, or `all but test`, of other data.
        run_data: The run with its dataset, if the examples are part of that.
    """

    examples: Examples
    part: str
    run_data: RunData | None


def select_examples(run: Run, split: SplitName | None = None, data: Any = None) -> ExampleSelection:
    """The examples to use a model on.

    Args:
        run: The run.
        split: The part of the run's dataset; default test. Of other data with a test part, test or
            the rest.
        data: Other data instead of the run's dataset; without a split, all of them.

    Raises:
        ConfigError: An unknown split.
        DataError: Data that are missing, have changed or do not suit the model.
    """
    if data is not None and split is None:
        return _other_examples(run, _load_other(run, data), None)
    return select_evaluation_examples(run, split, data)


def select_evaluation_examples(
    run: Run, split: SplitName | None = None, data: Any = None
) -> ExampleSelection:
    """The examples to evaluate a model on.

    As `select_examples`, but the run's own dataset, passed as `data`, is always split as it was in
    training, so that no training example is evaluated as a test example.
    """
    if split is not None and split not in SPLIT_NAMES:
        raise ConfigError.unknown("split", split, SPLIT_NAMES, parameter="split")
    if data is None:
        own = RunData.load(run)
        return ExampleSelection(own.examples(split or "test"), split or "test", own)
    dataset = _load_other(run, data)
    if dataset.fingerprint() == run.config.data.fingerprint:
        own = RunData(run, dataset, load_split(run.folder, run.run_id, run.summary))
        return ExampleSelection(own.examples(split or "test"), split or "test", own)
    return _other_examples(run, dataset, split)


def data_label(data: Any) -> str:
    """The name of other data, as titles show it."""
    return Path(data).stem if isinstance(data, str | os.PathLike) else "data in memory"


def _other_examples(run: Run, dataset: Dataset, split: SplitName | None) -> ExampleSelection:
    if dataset.stream is not None:
        raise DataError(
            f"{dataset.name!r} consists of several shards, which only training reads. "
            "Pass one shard.",
            parameter="data",
        )
    if dataset.test is None and split is not None:
        raise DataError(
            f"{dataset.name!r} has no parts to choose {split} from. Leave split out.",
            parameter="split",
        )
    examples, part = _part(dataset, split)
    examples = replace(examples, y=_run_labels(run, dataset, examples))
    check_compatible(examples.x, run.model.data_shape, run.support, repr(dataset.name))
    return ExampleSelection(examples, part, None)


def _part(dataset: Dataset, split: SplitName | None) -> tuple[Examples, str]:
    if dataset.test is None:
        return dataset.train, "all"
    if split in (None, "test"):
        return dataset.test, "test"
    return dataset.train, "all but test"


def _load_other(run: Run, data: Any) -> Dataset:
    """Other data under the assumptions of the run: its support, image size and channels."""
    method = run.config.data.binarize
    if isinstance(data, str) and data in datasets.NAMES:
        dataset = binarize(_load_sized(run, data), method)
        if dataset.support != run.support:
            raise DataError.for_value(
                "data",
                str(dataset.support),
                f"{run.support} as in training",
                problem=f"{data} has another support",
            )
        return dataset
    support = run.config.data.support if method else run.support
    if not isinstance(data, str | os.PathLike) or not _names_images(Path(data)):
        return binarize(_load_sized(run, data, support), method)
    options = {**image_options(run.config), "group": None}
    try:
        dataset = datasets.load(data, support=support, **options)
    except MixedSizesError as error:
        raise DataError(f"{error.problem}. {_fix_of_sizes(run)}.", parameter="data") from None
    if len(dataset.shape) == len(run.model.data_shape) == 3:
        dataset = _match_channels(run, dataset)
    return binarize(dataset, method)


def _load_sized(run: Run, data: Any, support: Support | str | None = None) -> Dataset:
    """Data in memory, whose images are cropped, resized and tiled unless they have been before."""
    dataset = datasets.load(data, support=support)
    if dataset.shape == run.model.data_shape:
        return dataset
    sizes = {name: getattr(run.config.data, name) for name in SIZES}
    return datasets.load(dataset, **sizes)


def _names_images(path: Path) -> bool:
    return path.suffix.lower() not in (".npy", ".npz")


def _match_channels(run: Run, dataset: Dataset) -> Dataset:
    """Convert gray images for a model of color images, and color images for one of gray images."""
    channels = run.model.data_shape[0]
    train = replace(dataset.train, x=with_channels(dataset.train.x, channels))
    test = dataset.test
    if test is not None:
        test = replace(test, x=with_channels(test.x, channels))
    return replace(dataset, train=train, test=test)


def _run_labels(run: Run, dataset: Dataset, examples: Examples) -> np.ndarray | None:
    """Labels in the class numbers of the run; None unless it knows all classes."""
    numbers = {name: number for number, name in enumerate(run.config.data.classes)}
    if examples.y is None or not set(dataset.classes) <= numbers.keys():
        return None
    return np.array([numbers[name] for name in dataset.classes])[examples.y]


def _fix_of_sizes(run: Run) -> str:
    shape = run.model.data_shape
    if len(shape) != 3:
        return f"Pass examples of shape {shape}, as in training"
    return f"Resize all to {shape[1]}x{shape[2]} (height x width), the size of the run"
