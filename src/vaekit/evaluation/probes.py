"""Probes: how well classes can be predicted from latent codes."""

from typing import NamedTuple

import numpy as np

PROBE_NEIGHBORS = 5


class Probes(NamedTuple):
    """Test accuracies of classifiers on latent codes.

    Attributes:
        linear: Of a linear classifier.
        nearest: Of the nearest training codes.
        most_frequent: Of the most frequent class, which needs no codes.
    """

    linear: float
    nearest: float
    most_frequent: float


def probe(train: np.ndarray, train_y: np.ndarray, test: np.ndarray, test_y: np.ndarray) -> Probes:
    """Train classifiers on latent codes and test them on others.

    The linear classifier is scikit-learn's logistic regression on codes scaled to mean 0 and
    standard deviation 1; nearest neighbors vote by majority among 5, by Euclidean distance.

    Args:
        train: Training codes, [N, L].
        train_y: Their classes, [N].
        test: Test codes, [M, L].
        test_y: Their classes, [M].

    >>> codes = np.repeat([[0.0], [1.0]], 10, axis=0)
    >>> probe(codes, codes[:, 0] > 0, codes, codes[:, 0] > 0)
    Probes(linear=1.0, nearest=1.0, most_frequent=0.5)
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifiers = (linear, KNeighborsClassifier(PROBE_NEIGHBORS), DummyClassifier())
    accuracies = (each.fit(train, train_y).score(test, test_y) for each in classifiers)
    return Probes(*map(float, accuracies))
