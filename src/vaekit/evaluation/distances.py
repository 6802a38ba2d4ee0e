"""Distances between two sets of examples, by their features."""

import math

import torch
from torch import Tensor

from vaekit.errors import DataError
from vaekit.evaluation.metric import Metric

KERNEL_BLOCKS = 10
"""Blocks of examples that the kernel distance is averaged over."""


def frechet_distance(x: Tensor, y: Tensor) -> Metric:
    """The Fréchet distance of two normal distributions with the moments of x and y.

    ||m - n||^2 + tr(A + B - 2 (A B)^1/2), m and n the means, A and B the covariances. It is 0 for
    equal distributions, but its estimate from N examples is larger by about D^2 / N: compare only
    distances of equal N, many times D. The standard error is that of the first-order expansion in
    both distributions, without this bias.

    Args:
        x: Features, [N, D].
        y: Features, [M, D].

    References:
        Heusel et al., 2017, who gave no standard error.

    >>> x = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0))
    >>> round(frechet_distance(x, x + 2).value, 6)
    12.0
    """
    x, y = x.double(), y.double()
    difference = x.mean(0) - y.mean(0)
    cov_x = _covariance(x)
    cov_y = _covariance(y)
    distance = difference.square().sum() + cov_x.trace() + cov_y.trace()
    distance = distance - 2 * _root_trace(cov_x, cov_y)
    variance_x = _influence(x, difference, cov_x, cov_y).var() / len(x)
    variance_y = _influence(y, -difference, cov_y, cov_x).var() / len(y)
    return Metric(max(0.0, distance.item()), math.sqrt((variance_x + variance_y).item()))


def kernel_distance(x: Tensor, y: Tensor) -> Metric:
    """The squared maximum mean discrepancy of x and y under the kernel (a b / D + 1)^3.

    The estimate is unbiased, so it may be below 0 if the distributions are equal. It is the mean
    over ten blocks of examples, whose spread is the standard error.

    Args:
        x: Features in random order, [N, D].
        y: Features in random order, [M, D].

    Raises:
        DataError: Fewer than 20 examples in a set.

    References:
        Binkowski et al., 2018.

    >>> x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    >>> kernel_distance(x, x + 2).value > 1
    True
    """
    smallest = min(len(x), len(y))
    if smallest < 2 * KERNEL_BLOCKS:
        raise DataError.for_value(
            "examples",
            smallest,
            f"{2 * KERNEL_BLOCKS} or more in each set",
            problem="too few examples for a kernel distance",
        )
    x_blocks = x.double().tensor_split(KERNEL_BLOCKS)
    y_blocks = y.double().tensor_split(KERNEL_BLOCKS)
    distances = [_discrepancy(a, b) for a, b in zip(x_blocks, y_blocks, strict=True)]
    return Metric.mean_of(torch.stack(distances))


def _discrepancy(x: Tensor, y: Tensor) -> Tensor:
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * _kernel(x, y).mean()


def _mean_of_pairs(x: Tensor) -> Tensor:
    """The mean of the kernel over pairs of different examples."""
    kernel = _kernel(x, x)
    return (kernel.sum() - kernel.trace()) / (len(kernel) * (len(kernel) - 1))


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _covariance(x: Tensor) -> Tensor:
    return torch.cov(x.T).reshape(x.shape[1], x.shape[1])  # a scalar if D = 1


def _root_trace(a: Tensor, b: Tensor) -> Tensor:
    """tr((a b)^1/2), by the eigenvalues of the symmetric matrix that has the same ones."""
    root = _power(a, 0.5)
    return torch.linalg.eigvalsh(root @ b @ root).clamp(min=0).sqrt().sum()


def _influence(x: Tensor, difference: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """The first-order change of the distance by each example of x, [N].

    An example changes the mean, and a quadratic form: the identity minus the map that transports
    the covariance of x to the other covariance.
    """
    root = _power(own, 0.5)
    inverse = _power(own, -0.5)
    transport = inverse @ _power(root @ other @ root, 0.5) @ inverse
    form = torch.eye(len(own), dtype=own.dtype) - transport
    centered = x - x.mean(0)
    return 2 * centered @ difference + (centered @ form * centered).sum(1)


def _power(matrix: Tensor, power: float) -> Tensor:
    """A power of a covariance matrix; directions without variance keep none."""
    values, vectors = torch.linalg.eigh(matrix)
    limit = values.max() * len(values) * torch.finfo(values.dtype).eps
    powers = torch.where(values > limit, values.clamp(min=1e-300) ** power, 0.0)
    return vectors * powers @ vectors.T
