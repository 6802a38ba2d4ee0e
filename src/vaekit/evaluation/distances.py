"""How far two sets of rows are from each other, by their features."""

import math

import torch
from torch import Tensor

from vaekit.evaluation.metric import Metric

BLOCKS = 10


def frechet_distance(x: Tensor, y: Tensor) -> Metric:
    """||m - n||^2 + tr(A + B - 2 (A B)^1/2): of normal distributions with the means m, n and covariances A, B of x and y.

    x: [N, D], y: [M, D]. It is 0 for equal distributions, but what N rows show of it is larger, by about D^2 / N: compare
    figures of equal N, many times D. Its standard error is that of its first-order expansion in the two distributions, without
    this bias (Heusel et al., 2017, gave none).

    >>> x = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0))
    >>> round(frechet_distance(x, x + 2).value, 6)
    12.0
    """
    x, y = x.double(), y.double()
    apart, cov_x, cov_y = x.mean(0) - y.mean(0), _covariance(x), _covariance(y)
    distance = apart.square().sum() + cov_x.trace() + cov_y.trace() - 2 * _root_trace(cov_x, cov_y)
    variance = _influence(x, apart, cov_x, cov_y).var() / len(x) + _influence(
        y, -apart, cov_y, cov_x
    ).var() / len(y)
    return Metric(max(0.0, distance.item()), math.sqrt(variance.item()))


def kernel_distance(x: Tensor, y: Tensor) -> Metric:
    """The squared maximum mean discrepancy of x [N, D] and y [M, D] under the kernel (a b / D + 1)^3 (Binkowski et al., 2018).

    Unbiased, so that it may be below 0 where the distributions are equal. The mean over ten blocks of rows, which must be in
    random order; their spread is the standard error.

    Raises ValueError for fewer than 20 rows.
    """
    if min(len(x), len(y)) < 2 * BLOCKS:
        raise ValueError(
            f"{min(len(x), len(y))} rows: the kernel distance needs {2 * BLOCKS} of each"
        )
    blocks = zip(x.double().tensor_split(BLOCKS), y.double().tensor_split(BLOCKS), strict=True)
    return Metric.mean_of(torch.stack([_discrepancy(a, b) for a, b in blocks]))


def _discrepancy(x: Tensor, y: Tensor) -> Tensor:
    within = [
        (k.sum() - k.trace()) / (len(k) * (len(k) - 1)) for k in (_kernel(x, x), _kernel(y, y))
    ]
    return within[0] + within[1] - 2 * _kernel(x, y).mean()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _covariance(x: Tensor) -> Tensor:
    return torch.cov(x.T).reshape(x.shape[1], x.shape[1])  # of one column it would be a number


def _root_trace(a: Tensor, b: Tensor) -> Tensor:
    """tr((a b)^1/2), by the eigenvalues of the symmetric matrix that has the same ones."""
    root = _power(a, 0.5)
    return torch.linalg.eigvalsh(root @ b @ root).clamp(min=0).sqrt().sum()


def _influence(x: Tensor, apart: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """How each row of x moves the distance: by what it adds to the mean, and to a quadratic form.

    The form is the identity less the map that carries x's covariance to the other.
    """
    root, inverse = _power(own, 0.5), _power(own, -0.5)
    carry = inverse @ _power(root @ other @ root, 0.5) @ inverse
    centred = x - x.mean(0)
    return 2 * centred @ apart + (
        centred @ (torch.eye(len(own), dtype=own.dtype) - carry) * centred
    ).sum(1)


def _power(matrix: Tensor, power: float) -> Tensor:
    """A power of a covariance; directions without variance stay without."""
    values, vectors = torch.linalg.eigh(matrix)
    there = values > values.max() * len(values) * torch.finfo(values.dtype).eps
    powers = torch.where(there, values.clamp(min=1e-300) ** power, 0.0)
    return vectors * powers @ vectors.T
