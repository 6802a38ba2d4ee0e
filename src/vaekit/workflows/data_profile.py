"""Properties of training data that defaults depend on, measured on examples."""

import math
from functools import cache, partial

import numpy as np
import torch

from vaekit.config import DataProfile
from vaekit.core.components import max_component_examples, principal_components
from vaekit.data import Dataset, Split
from vaekit.inputs.model_inputs import as_tensor

KINDS = ("binary", "unit", "real")


def profile_data(dataset: Dataset, split: Split | None = None) -> DataProfile:
    """Measure evenly spaced training examples.

    Args:
        dataset: The dataset.
        split: Its split, whose validation and test examples are left out.
    """
    indices = np.arange(len(dataset.train)) if split is None else split.train
    count = min(len(indices), max_component_examples(math.prod(dataset.shape)))
    chosen = indices[np.linspace(0, len(indices) - 1, count).astype(int)]
    transform = dataset.support.transform(KINDS)
    x = transform.forward(as_tensor(dataset.train.x[chosen]).to(torch.float32))
    return DataProfile(
        shape=tuple(dataset.shape),
        support=transform.kind,
        levels=dataset.support.levels,
        false_variance=_false_variance(x) if transform.kind == "unit" else 0.0,
        deviation=_deviation(x),
        find_components=cache(partial(principal_components, x)),
    )


def _deviation(x: torch.Tensor) -> float:
    """The standard deviation of all values of a channel or column, the mean over these."""
    values = x.flatten(2).transpose(0, 1).flatten(1) if x.dim() > 2 else x.T
    return float(values.std(1, correction=0).mean())


def _false_variance(x: torch.Tensor) -> float:
    """E[x (1 - x)] / (m (1 - m)) with the mean m of each value; 0 for constant zeros and ones."""
    mean = x.mean(0)
    bernoulli = (mean * (1 - mean)).sum()
    return float((x * (1 - x)).mean(0).sum() / bernoulli) if bernoulli > 0 else 0.0
