"""Projections of latent codes to two dimensions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import ConfigError, DataError
from vaekit.plots.array_checks import check_finite

Projection = Literal["active", "pca"]
PROJECTIONS: tuple[Projection, ...] = ("active", "pca")
MAX_PCA_SIZE = 1000
"""Dimensions, or examples, that principal components are computed from."""


@dataclass(frozen=True)
class Plane:
    """A linear projection of latent codes to two dimensions, or one.

    Attributes:
        origin: The code that the projection maps to zero [L].
        directions: Unit vectors along the axes [L, 2] or [L, 1].
        names: Names of the axes.
        phrase: A phrase for the title.

    >>> Plane(np.ones(2), np.eye(2), ("z1", "z2")).project([[1.0, 3.0]])
    array([[0., 2.]])
    """

    origin: NDArray
    directions: NDArray
    names: tuple[str, str]
    phrase: str = ""

    def project(self, codes: ArrayLike) -> NDArray:
        """Codes [N, L] as points [N, 2] or [N, 1]."""
        return np.asarray(codes, np.float64) @ self.directions - self.origin @ self.directions


def project(
    codes: ArrayLike, method: Projection = "active", activity: ArrayLike | None = None
) -> tuple[NDArray, tuple[str, str], str]:
    """Project latent codes to two dimensions.

    Args:
        codes: Latent codes [N, L]; of one or two dimensions they are returned unchanged.
        method: "active" for the two most active dimensions, "pca" for two principal components,
            computed from 1,000 examples if there are more than 1,000 dimensions.
        activity: Activity of each dimension [L], such as its divergence in nats; default the
            variance of the codes.

    Returns:
        Points [N, 2] (or [N, 1]), the names of the axes, and a phrase for the title.

    Raises:
        ConfigError: An unknown method.
        DataError: Arrays whose shapes or values do not fit.

    >>> project(np.eye(4)[:, :3] * [1, 5, 3])[1:]
    (('z2', 'z3'), 'two most active of 3 dimensions')
    """
    plane = projection_plane(codes, method, activity)
    return plane.project(codes), plane.names, plane.phrase


def projection_plane(
    codes: ArrayLike, method: Projection = "active", activity: ArrayLike | None = None
) -> Plane:
    """The plane that `project` projects to, for other points of the latent space.

    Args:
        codes: Latent codes [N, L].
        method: "active" or "pca".
        activity: Activity of each dimension [L]; default the variance of the codes.

    Returns:
        The plane; of codes of one or two dimensions the latent space itself.

    Raises:
        ConfigError: An unknown method.
        DataError: Arrays whose shapes or values do not fit.

    >>> projection_plane(np.eye(4)[:, :3] * [1, 5, 3]).directions.T
    array([[0., 1., 0.],
           [0., 0., 1.]])
    """
    check_projection(method, "method")
    codes = check_finite(codes, "codes", "[N, L]")
    size = codes.shape[1]
    if size <= 2:
        return Plane(np.zeros(size), np.eye(size), ("z1", "z2"))
    if method == "pca":
        return _principal_plane(codes)
    if activity is None:
        weights = codes.var(axis=0, dtype=np.float64)
    else:
        weights = check_finite(activity, "activity", "[L]")
    if len(weights) != size:
        raise DataError.for_value(
            "activity",
            len(weights),
            f"{size}, one per latent dimension",
            problem="activity has the wrong number of entries",
        )
    chosen = np.argsort(-weights, kind="stable")[:2]
    first, second = (f"z{i + 1}" for i in chosen)
    directions = np.eye(size)[:, chosen]
    phrase = f"two most active of {size} dimensions"
    return Plane(np.zeros(size), directions, (first, second), phrase)


def check_projection(method: str, parameter: str) -> None:
    """ConfigError about `parameter` for an unknown projection."""
    if method not in PROJECTIONS:
        raise ConfigError.unknown("projection", method, PROJECTIONS, parameter=parameter)


def _principal_plane(codes: NDArray) -> Plane:
    mean, directions, fractions = principal_axes(codes, 2)
    first, second = (
        f"PC {i + 1} ({abs(100 * fraction):.0f} % of variance)"
        for i, fraction in enumerate(fractions)
    )
    phrase = f"two principal components of {codes.shape[1]} dimensions"
    return Plane(mean, directions, (first, second), phrase)


def principal_axes(codes: NDArray, count: int) -> tuple[NDArray, NDArray, NDArray]:
    """Compute the largest principal components of latent codes.

    Args:
        codes: Latent codes [N, L]; of more than 1,000 dimensions 1,000 codes are used.
        count: The number of components P; fewer if there are fewer dimensions or codes.

    Returns:
        The mean [L], the components [L, P] with the largest entry of each positive, and the
        fraction of the variance that each explains [P].

    >>> principal_axes(np.array([[0.0, 1.0], [4.0, 1.0]]), 1)[1]
    array([[1.],
           [0.]])
    """
    mean = codes.mean(axis=0, dtype=np.float64)
    sample = codes
    if codes.shape[1] > MAX_PCA_SIZE:
        sample = codes[:: -(-len(codes) // MAX_PCA_SIZE)]
    count = min(count, codes.shape[1], len(sample))
    fractions, directions = _largest_components(sample - mean, count)
    largest = np.abs(directions).argmax(axis=0)
    signs = np.sign(directions[largest, range(len(fractions))])
    return mean, directions * signs, fractions


def _largest_components(centered: NDArray, count: int) -> tuple[NDArray, NDArray]:
    """Fractions of the variance [P] and principal components [L, P] of centered codes.

    From the smaller of the covariance matrix and the matrix of inner products.
    """
    tiny = np.finfo(float).tiny
    total = max(np.square(centered).sum(), tiny)
    is_wide = centered.shape[1] > len(centered)
    matrix = centered @ centered.T if is_wide else centered.T @ centered
    values, vectors = np.linalg.eigh(matrix)
    values = values[: -count - 1 : -1]
    vectors = vectors[:, : -count - 1 : -1]
    if is_wide:
        vectors = centered.T @ vectors / np.sqrt(np.maximum(values, tiny))
    return values / total, vectors
