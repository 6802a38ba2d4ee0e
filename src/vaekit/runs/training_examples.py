"""The rows that a run was trained on, for what is compared with them, and what can be made of their codes."""

import math
import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Dataset
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError
from vaekit.evaluation import CodeMixture, encode_all
from vaekit.inputs import ModelInputs
from vaekit.runs import Run, load_run, load_split
from vaekit.workflows.training_setup import load_data

SOME_ROWS, MOST_ROWS = 10_000, 100_000


def training_examples(
    run: Run, own: Dataset, count: int, seed: int, *, skip: int = 0
) -> ModelInputs:
    """So many of the rows that a run was trained on, in random order by seed; of shards, of those that validated.

    skip: how many others would be first, which are left out where enough remain.
    """
    rows, indices = load_split(run.path).where(own, reference_split(own))
    inputs = ModelInputs(rows.x, run.transform, indices, rows.y)
    return select_random(inputs, count, seed, skip if len(inputs) >= 2 * skip else 0)


def count_training_examples(run: Run, own: Dataset) -> int:
    """How many of them there are."""
    return len(load_split(run.path).where(own, reference_split(own))[1])


def reference_split(own: Dataset) -> SplitName:
    """The part of the data that stands for what was trained on."""
    return "train" if own.stream is None else "validation"


def select_random(inputs: ModelInputs, count: int, seed: int, skip: int = 0) -> ModelInputs:
    """So many rows in random order: files have classes one behind the other, and blocks of rows would differ by them."""
    positions = np.random.default_rng(seed).permutation(len(inputs))[skip : skip + count]
    return ModelInputs(inputs.x, inputs.transform, inputs.rows(positions), inputs.y)


def fit_mixture(
    run: Run | str | os.PathLike, *, data: Any = None, components: int = 10, seed: int = 0
) -> CodeMixture:
    """A Gaussian mixture over the codes of a run's training rows, 10,000 at most: `run.decode(mixture.draw(16))` are new rows.

    data: the run's own, where they are not where they were. Of a conditional run `draw` takes class numbers, one for each code.
    Raises ConfigError for a discrete z, which has no density.

    >>> run.decode(fit_mixture(run).draw(16))  # doctest: +SKIP
    """
    run = run if isinstance(run, Run) else load_run(run)
    if run.model.codebook is not None:
        raise ConfigError(
            "a mixture is a density over codes, those of this run are discrete: draw from the prior"
        )
    return fit_mixture_to(run, load_data(run.config, data), components=components, seed=seed)


def fit_mixture_to(run: Run, own: Dataset, *, components: int = 10, seed: int = 0) -> CodeMixture:
    """The same, where the run's dataset is at hand."""
    training, classes = training_examples(run, own, SOME_ROWS, seed), run.model.classes
    y = (
        training.y[training.rows(np.arange(len(training)))]
        if classes and training.y is not None
        else None
    )
    return CodeMixture(
        encode_all(run.model, training, seed=seed).draws,
        y,
        classes=classes,
        components=components,
        seed=seed,
    )


def nearest_training_examples(run: Run, own: Dataset, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The raw training rows that are closest to rows as the model takes them, by Euclidean distance, and these, [N] each.

    Of more than 100,000 training rows it is so many, drawn by seed.
    """
    training, start = training_examples(run, own, MOST_ROWS, 0), 0
    least, at = torch.full((len(x),), math.inf), torch.zeros(len(x), dtype=torch.long)
    for rows, _ in training.batches(run.model):
        found = torch.cdist(x.flatten(1), rows.cpu().flatten(1).to(x)).min(1)
        at = torch.where(found.values < least, found.indices + start, at)
        least = torch.minimum(least, found.values)
        start += len(rows)
    return training.x[training.rows(at.numpy())], least.numpy()
