"""A run with its dataset and its split, each read once per command."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Dataset, Examples, Split
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, DataError
from vaekit.inference.encode_decode import encode_samples
from vaekit.inference.mixture import CodeMixture
from vaekit.inputs import ModelInputs
from vaekit.runs.dataset_source import load_dataset
from vaekit.runs.folder import load_split
from vaekit.runs.run import Run

MAX_MIXTURE_EXAMPLES = 10_000
MAX_NEIGHBOR_EXAMPLES = 100_000


@dataclass
class RunData:
    """A run, the dataset that it was trained on, and its split.

    Attributes:
        run: The run.
        dataset: Its dataset, verified by the fingerprint.
        split: The indices of each part.
    """

    run: Run
    dataset: Dataset
    split: Split

    @classmethod
    def load(cls, run: Run, data: Any = None) -> "RunData":
        """Read the dataset and the split of a run.

        Args:
            run: The run.
            data: New location of the run's dataset, or the dataset itself; default the old one.

        Raises:
            DataError: The dataset is missing or has changed.
            RunError: The split is missing, damaged or that of another run.
        """
        dataset = load_dataset(run.config, data, directory=run.directory)
        return cls(run, dataset, load_split(run.folder, run.run_id, run.summary))

    @property
    def name(self) -> str:
        """The name of the dataset, as titles show it."""
        return data_name(self.run)

    def examples(self, split: SplitName) -> Examples:
        """The raw examples of a part."""
        if split == "train" and self.dataset.stream is not None:
            raise DataError(
                "the training examples of this run were streamed from shards. "
                "Pass one shard as data, or choose another split.",
                parameter="split",
            )
        return self.split.examples(self.dataset, split)

    def inputs(self, split: SplitName) -> ModelInputs:
        """The examples of a part as inputs of the run's model."""
        inputs = self.labeled_inputs(split)
        return inputs if self.run.model.classes else inputs.without_labels()

    def labeled_inputs(self, split: SplitName) -> ModelInputs:
        """The examples of a part with their labels, whether or not the model is conditional."""
        examples, indices = self.split.where(self.dataset, split)
        return ModelInputs(examples.x, self.run.transform, indices, examples.y)

    @property
    def reference_split(self) -> SplitName:
        """The part that stands for the training examples: the validation part of streamed data."""
        return "train" if self.dataset.stream is None else "validation"

    @property
    def training_count(self) -> int:
        """The number of examples that stand for the training examples."""
        return len(self.split.where(self.dataset, self.reference_split)[1])

    def training_sample(self, count: int, seed: int, *, skip: int = 0) -> ModelInputs:
        """Training examples in random order, with labels.

        Args:
            count: Their number, at most.
            seed: Seed of the order.
            skip: Number of examples at the beginning of the order to leave out, if enough remain.
        """
        inputs = self.labeled_inputs(self.reference_split)
        return inputs.random(count, seed, skip=skip if len(inputs) >= 2 * skip else 0)

    def fit_mixture(self, *, components: int = 10, seed: int = 0) -> CodeMixture:
        """Fit a Gaussian mixture to latent codes of at most 10,000 training examples.

        Raises:
            ConfigError: The latent codes are discrete, so they have no density.
            DataError: The codes have no density: too few of them differ.
        """
        model = self.run.model
        if model.codebook is not None:
            raise ConfigError(
                "a mixture needs continuous latent codes, but the run has discrete ones. "
                "Sample from the prior.",
                parameter="mixture",
            )
        inputs = self.training_sample(MAX_MIXTURE_EXAMPLES, seed)
        y = inputs.labels() if model.classes else None
        if not model.classes:
            inputs = inputs.without_labels()
        codes = encode_samples(model, inputs, seed=seed)
        return CodeMixture(codes, y, classes=model.classes, components=components, seed=seed)

    def nearest_training_examples(self, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """The training example closest to each x, by Euclidean distance between model inputs.

        Args:
            x: Examples as the model takes them, [N, *shape].

        Returns:
            The raw training examples [N, *shape] and the distances [N]. Of more than 100,000
            training examples a random 100,000 are searched.
        """
        training = self.training_sample(MAX_NEIGHBOR_EXAMPLES, 0)
        distances = torch.full((len(x),), math.inf)
        positions = torch.zeros(len(x), dtype=torch.long)
        start = 0
        for examples, _ in training.batches(self.run.model):
            nearest = torch.cdist(x.flatten(1), examples.cpu().flatten(1).to(x)).min(1)
            closer = nearest.values < distances
            positions = torch.where(closer, nearest.indices + start, positions)
            distances = torch.minimum(distances, nearest.values)
            start += len(examples)
        return training.x[training.source_indices(positions.numpy())], distances.numpy()


def data_name(run: Run) -> str:
    """The name of a run's dataset, without its folder."""
    return Path(run.config.data.source).stem
