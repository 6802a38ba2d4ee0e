"""Many latent dimensions on two axes."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import ConfigError, DataError, suggest
from vaekit.plots.array_checks import check_finite

SAMPLE = 1000  # rows, or dimensions, from which principal components are found


def project(
    mu: ArrayLike, method: Literal["active", "pca"] = "active", activity: ArrayLike | None = None
) -> tuple[NDArray, tuple[str, str], str]:
    """Two coordinates out of many: codes [N, L] to points [N, 2], the names of the axes and a phrase for the title.

    "active" takes the two dimensions of largest `activity` [L] (such as the divergence of each, in nats; by default the
    variance of `mu`); "pca" takes the principal components, of more than 1,000 dimensions those of 1,000 rows. Codes of one
    or two dimensions are returned as they are.

    >>> project(np.eye(4)[:, :3] * [1, 5, 3])[1:]
    (('z2', 'z3'), 'two most active of 3 dimensions')
    """
    if method not in ("active", "pca"):
        raise ConfigError(
            f"unknown projection '{method}': {suggest(str(method), ('active', 'pca'))}"
        )
    mu = check_finite(mu, "mu", "[N, L]")
    size = mu.shape[1]
    if size <= 2:
        return mu.astype(np.float64), ("z1", "z2"), ""
    if method == "pca":
        return _principal(mu)
    weights = (
        mu.var(axis=0, dtype=np.float64)
        if activity is None
        else check_finite(activity, "activity", "[L]")
    )
    if len(weights) != size:
        raise DataError(
            f"activity has {len(weights)} entries; allowed: {size}, one for each latent dimension"
        )
    first, second = np.argsort(-weights, kind="stable")[:2]
    return (
        mu[:, [first, second]].astype(np.float64),
        (f"z{first + 1}", f"z{second + 1}"),
        f"two most active of {size} dimensions",
    )


def _principal(mu: NDArray) -> tuple[NDArray, tuple[str, str], str]:
    mean, directions, variances = principal_axes(mu, 2)
    first, second = (
        f"PC {i + 1} ({abs(100 * share):.0f} % of variance)" for i, share in enumerate(variances)
    )
    return (
        mu @ directions - mean @ directions,
        (first, second),
        f"two principal components of {mu.shape[1]} dimensions",
    )


def principal_axes(mu: NDArray, count: int) -> tuple[NDArray, NDArray, NDArray]:
    """The mean of codes [N, L], their largest principal components [L, P], P at most `count`, and the shares of the variance.

    >>> principal_axes(np.array([[0.0, 1.0], [4.0, 1.0]]), 1)[1]
    array([[1.],
           [0.]])
    """
    mean = mu.mean(axis=0, dtype=np.float64)
    some = mu[:: -(-len(mu) // SAMPLE)] if mu.shape[1] > SAMPLE else mu
    shares, directions = _largest(some - mean, min(count, mu.shape[1], len(some)))
    directions = directions * np.sign(
        directions[np.abs(directions).argmax(axis=0), range(len(shares))]
    )  # else it is chance
    return mean, directions, shares


def _largest(centred: NDArray, count: int) -> tuple[NDArray, NDArray]:
    """So many principal components [L, P] and their shares of the variance, from the smaller of the two products."""
    total = max(np.square(centred).sum(), np.finfo(float).tiny)
    wide = centred.shape[1] > len(centred)
    values, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    values, vectors = values[: -count - 1 : -1], vectors[:, : -count - 1 : -1]
    if wide:
        vectors = centred.T @ vectors / np.sqrt(np.maximum(values, np.finfo(float).tiny))
    return values / total, vectors
