"""Contours of a prior over one or two shown dimensions: the densest regions of some of its mass."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.plots.array_checks import check_finite

MASSES = (0.5, 0.9, 0.99)
CIRCLE_POINTS = 193


@dataclass(frozen=True)
class Contour:
    """The border of the densest region that holds some of the mass of a prior.

    Attributes:
        name: The mass, such as "90 %".
        lines: The parts of the border: closed lines [K, 2], or values [K, 1] of one dimension.

    >>> Contour("50 %", [np.zeros((5, 2))]).name
    '50 %'
    """

    name: str
    lines: Sequence[NDArray]


def normal_contours(mean: ArrayLike, covariance: ArrayLike) -> list[Contour]:
    """Contours of a normal density, in closed form.

    In two dimensions they are ellipses at the Mahalanobis distance sqrt(-2 log(1 - mass)).

    Args:
        mean: The mean [1] or [2].
        covariance: The covariance [1, 1] or [2, 2].

    Returns:
        The contours of 50, 90 and 99 % of the mass.

    >>> [float(contour.lines[0].max().round(3)) for contour in normal_contours([0, 0], np.eye(2))]
    [1.177, 2.146, 3.035]
    """
    center = check_finite(mean, "mean", "[1]", "[2]")
    values, vectors = np.linalg.eigh(check_finite(covariance, "covariance", "[2, 2]", "[1, 1]"))
    root = vectors * np.sqrt(np.maximum(values, 0))  # also of a covariance without an inverse
    if len(center) == 1:
        offsets = (NormalDist().inv_cdf((1 + mass) / 2) * np.array([[-1], [1]]) for mass in MASSES)
    else:
        angles = np.linspace(0, 2 * np.pi, CIRCLE_POINTS)
        circle = np.stack([np.cos(angles), np.sin(angles)], 1)
        offsets = (math.sqrt(-2 * math.log(1 - mass)) * circle for mass in MASSES)
    return [
        Contour(mass_name(mass), [center + offset @ root.T])
        for mass, offset in zip(MASSES, offsets, strict=True)
    ]


def sampled_contours(samples: ArrayLike) -> list[Contour]:
    """Contours of the density that samples come from, by a histogram with linear interpolation.

    Args:
        samples: Samples of the prior [N, 2] or [N, 1], projected as the codes are.

    Returns:
        The contours of 50, 90 and 99 % of the samples.

    >>> samples = np.random.default_rng(0).normal(size=(99, 2))
    >>> [contour.name for contour in sampled_contours(samples)]
    ['50 %', '90 %', '99 %']
    """
    points = check_finite(samples, "samples", "[N, 1]", "[N, 2]").astype(np.float64)
    if points.shape[1] == 1:
        tails = [(0.5 - mass / 2, 0.5 + mass / 2) for mass in MASSES]
        return [
            Contour(mass_name(mass), [np.quantile(points, ends, axis=0)])
            for mass, ends in zip(MASSES, tails, strict=True)
        ]
    counts, axes = _histogram(points)
    heights = _interpolate(counts, axes, points)
    return [
        Contour(mass_name(mass), _level_lines(counts, axes, np.quantile(heights, 1 - mass)))
        for mass in MASSES
    ]


def mass_name(mass: float) -> str:
    """A share of the mass in words.

    >>> mass_name(0.5)
    '50 %'
    """
    return f"{100 * mass:g} %"


def extent(contours: Sequence[Contour]) -> NDArray:
    """The corners of all contours: lower left and upper right, [2, 1] or [2, 2]."""
    points = np.concatenate([line for contour in contours for line in contour.lines])
    return np.stack([points.min(axis=0), points.max(axis=0)])


def _histogram(points: NDArray) -> tuple[NDArray, list[NDArray]]:
    """Counts [B, B] with a border of empty bins, and the centers of the bins along both axes."""
    bins = max(4, round(len(points) ** (1 / 3)))
    low, high = points.min(axis=0), points.max(axis=0)
    width = np.maximum((high - low) / bins, 1e-9 * np.maximum(1.0, np.abs(low)))
    edges = [low[i] + width[i] * np.arange(-1, bins + 2) for i in range(2)]
    indices = ((points - low) / width).astype(int).clip(0, bins - 1) + 1
    counts = np.zeros((bins + 2, bins + 2))
    np.add.at(counts, tuple(indices.T), 1)
    return counts, [axis[:-1] + width[i] / 2 for i, axis in enumerate(edges)]


def _interpolate(counts: NDArray, axes: list[NDArray], points: NDArray) -> NDArray:
    """Counts between the centers of bins, linear along each axis, at the points [N, 2]."""
    origin = np.array([axis[0] for axis in axes])
    width = np.array([axis[1] - axis[0] for axis in axes])
    position = (points - origin) / width
    cell = position.astype(int).clip(0, len(counts) - 2)
    x, y = (position - cell).T
    i, j = cell.T
    lower = (1 - x) * counts[i, j] + x * counts[i + 1, j]
    upper = (1 - x) * counts[i, j + 1] + x * counts[i + 1, j + 1]
    return (1 - y) * lower + y * upper


def _level_lines(counts: NDArray, axes: list[NDArray], level: float) -> list[NDArray]:
    contour_set = Figure().subplots().contour(*axes, counts.T, levels=[level])
    return [np.asarray(line) for line in contour_set.get_paths()[0].to_polygons(closed_only=False)]
