"""Atypicality of an example by its statistics."""

from typing import Any

import numpy as np


def atypicality_score(typical: np.ndarray, statistics: np.ndarray) -> np.ndarray:
    """-log of the density of statistics, estimated from typical examples, in nats.

    An example that is too easy for a model is as atypical as one that is too hard: a blank image
    has the highest likelihood of all. The density is scikit-learn's Gaussian kernel estimate of
    statistics scaled to standard deviation 1, with Silverman's bandwidth.

    Args:
        typical: Statistics of typical examples, [N, S].
        statistics: Statistics of the examples to score, [M, S].

    Returns:
        Scores [M]: the higher, the less typical.

    References:
        Morningstar et al., 2021.

    >>> typical = np.random.default_rng(0).normal(size=(200, 1))
    >>> center, tail = atypicality_score(typical, np.array([[0.0], [4.0]]))
    >>> bool(center < tail)
    True
    """
    from sklearn.neighbors import KernelDensity

    mean = typical.mean(0)
    scale = typical.std(0).clip(min=1e-12)
    bandwidth: Any = "silverman"  # unknown to scikit-learn's types
    density = KernelDensity(bandwidth=bandwidth).fit((typical - mean) / scale)
    return -density.score_samples((statistics - mean) / scale)
