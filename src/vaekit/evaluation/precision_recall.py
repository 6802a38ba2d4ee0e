"""Whether samples lie where data lie, and whether they reach all of it."""

from typing import NamedTuple

import torch
from torch import Tensor

from vaekit.evaluation.metric import Metric
from vaekit.inputs import MAX_VALUES

REACH, DENSE = 3, 5
"""Neighbours that say how far a row reaches: of precision and recall, and of density and coverage, as published."""


class PrecisionRecall(NamedTuple):
    """Shares, with the standard errors of what was drawn while the other set stays.

    A row reaches as far as its k-th neighbour of its own set. precision: of samples within reach of a real row. recall: of real
    rows within reach of a sample (Kynkaanniemi et al., 2019; k = 3). density: how many real rows reach a sample, by k; 1 where
    both are distributed alike, and above where samples crowd the middle. coverage: of real rows that reach a sample (Naeem et
    al., 2020; k = 5).
    """

    precision: Metric
    recall: Metric
    density: Metric
    precision_recall: Metric


def precision_recall(samples: Tensor, real: Tensor) -> PrecisionRecall:
    """Precision, recall, density and coverage of samples [N, D] against real rows [M, D], by Euclidean distance.

    Raises ValueError for 5 rows or fewer.

    >>> real = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    >>> [figure.value for figure in coverage(real + 100, real)]
    [0.0, 0.0, 0.0, 0.0]
    """
    if min(len(samples), len(real)) <= DENSE:
        raise ValueError(f"{min(len(samples), len(real))} rows: neighbours need more than {DENSE}")
    own, reach = _reach(samples, (REACH,)), _reach(real, (REACH, DENSE))
    near, dense = (
        torch.zeros(len(samples), dtype=torch.bool),
        torch.zeros(len(samples), dtype=torch.long),
    )
    recalled, covered = [], []
    for start, distance in _distances(real, samples):  # [some real rows, N]
        rows = slice(start, start + len(distance))
        near |= (distance <= reach[REACH][rows, None]).any(0)
        inside = distance <= reach[DENSE][rows, None]
        dense += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((distance <= own[REACH]).any(1))
    found = near, torch.cat(recalled), dense / DENSE, torch.cat(covered)
    return PrecisionRecall(*(Metric.mean_of(each.double()) for each in found))


def nearest_distance(x: Tensor, among: Tensor) -> Tensor:
    """The Euclidean distance of each row of x [N, D] to the nearest of others [M, D], [N]."""
    return torch.cat([distance.min(1).values for _, distance in _distances(x, among)])


def _reach(x: Tensor, neighbours: tuple[int, ...]) -> dict[int, Tensor]:
    """The distance of each row to its k-th neighbour among the others, for each k."""
    found = torch.cat(
        [d.topk(max(neighbours) + 1, largest=False).values for _, d in _distances(x, x)]
    )
    return {k: found[:, k] for k in neighbours}


def _distances(x: Tensor, y: Tensor):
    """Distances of some rows of x at a time to all of y, and where these begin."""
    size = max(1, 4 * MAX_VALUES // len(y))
    for start in range(0, len(x), size):
        yield start, torch.cdist(x[start : start + size], y)
