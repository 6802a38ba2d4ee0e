"""Precision, recall, density and coverage of samples, by nearest neighbors."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from vaekit.errors import DataError
from vaekit.evaluation.metric import Metric
from vaekit.inputs import MAX_VALUES

RECALL_NEIGHBORS = 3
"""Neighbors whose distance is the radius of precision and recall, as published."""
COVERAGE_NEIGHBORS = 5
"""Neighbors whose distance is the radius of density and coverage, as published."""


class PrecisionRecall(NamedTuple):
    """Four metrics of samples; standard errors treat the other set as fixed.

    The radius of an example is its distance to its k-th neighbor in its own set.

    Attributes:
        precision: Fraction of samples within the radius of a real example, k = 3.
        recall: Fraction of real examples within the radius of a sample, k = 3.
        density: Number of real examples within whose radius a sample lies, divided by k, k = 5;
            1 for equal distributions, more if samples crowd the middle.
        coverage: Fraction of real examples within whose radius a sample lies, k = 5.
    """

    precision: Metric
    recall: Metric
    density: Metric
    coverage: Metric


def precision_recall(samples: Tensor, real: Tensor) -> PrecisionRecall:
    """Compare samples with real examples by Euclidean distance between features.

    Args:
        samples: Features of samples, [N, D].
        real: Features of real examples, [M, D].

    Raises:
        DataError: Five examples or fewer in a set.

    References:
        Kynkäänniemi et al., 2019 (precision, recall); Naeem et al., 2020 (density, coverage).

    >>> real = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    >>> [metric.value for metric in precision_recall(real + 100, real)]
    [0.0, 0.0, 0.0, 0.0]
    """
    smallest = min(len(samples), len(real))
    if smallest <= COVERAGE_NEIGHBORS:
        raise DataError.for_value(
            "examples",
            smallest,
            f"more than {COVERAGE_NEIGHBORS} in each set",
            problem="too few examples for nearest neighbors",
        )
    sample_radius = _neighbor_distances(samples, RECALL_NEIGHBORS)[:, RECALL_NEIGHBORS]
    real_distances = _neighbor_distances(real, COVERAGE_NEIGHBORS)
    recall_radius = real_distances[:, RECALL_NEIGHBORS]
    coverage_radius = real_distances[:, COVERAGE_NEIGHBORS]
    is_precise = torch.zeros(len(samples), dtype=torch.bool)
    real_count = torch.zeros(len(samples), dtype=torch.long)
    is_recalled = []
    is_covered = []
    for start, distances in _iter_distances(real, samples):  # [chunk of real, N]
        chunk = slice(start, start + len(distances))
        is_precise |= (distances <= recall_radius[chunk, None]).any(0)
        is_inside = distances <= coverage_radius[chunk, None]
        real_count += is_inside.sum(0)
        is_covered.append(is_inside.any(1))
        is_recalled.append((distances <= sample_radius).any(1))
    return PrecisionRecall(
        precision=Metric.mean_of(is_precise.double()),
        recall=Metric.mean_of(torch.cat(is_recalled).double()),
        density=Metric.mean_of((real_count / COVERAGE_NEIGHBORS).double()),
        coverage=Metric.mean_of(torch.cat(is_covered).double()),
    )


def nearest_distance(x: Tensor, others: Tensor) -> Tensor:
    """The Euclidean distance of each x [N, D] to the nearest of others [M, D]: [N].

    >>> nearest_distance(torch.tensor([[0.0], [5.0]]), torch.tensor([[1.0], [3.0]])).tolist()
    [1.0, 2.0]
    """
    return torch.cat([distances.min(1).values for _, distances in _iter_distances(x, others)])


def _neighbor_distances(x: Tensor, neighbors: int) -> Tensor:
    """Distances of each x to itself and its nearest neighbors, in order: [N, neighbors + 1]."""
    chunks = [
        distances.topk(neighbors + 1, largest=False).values
        for _, distances in _iter_distances(x, x)
    ]
    return torch.cat(chunks)


def _iter_distances(x: Tensor, y: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Distances of consecutive chunks of x to all of y, each with the position of its first x."""
    size = max(1, 4 * MAX_VALUES // len(y))
    for start in range(0, len(x), size):
        yield start, torch.cdist(x[start : start + size], y)
