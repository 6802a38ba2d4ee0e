"""How well classes can be read off codes."""

from typing import NamedTuple

import numpy as np

NEIGHBOURS = 5


class Probes(NamedTuple):
    """Shares of test codes whose class is found by a linear classifier and by the nearest training codes; and by the most
    frequent class, which needs no codes."""

    linear: float
    nearest: float
    most_frequent: float


def probe(train: np.ndarray, train_y: np.ndarray, test: np.ndarray, test_y: np.ndarray) -> Probes:
    """Train on codes [N, L] with classes [N], judge on others [M, L].

    linear: scikit-learn's logistic regression on codes scaled to mean 0 and deviation 1. nearest: the majority of the 5 nearest
    codes by Euclidean distance.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probes = (linear, KNeighborsClassifier(NEIGHBOURS), DummyClassifier())
    return Probes(*(float(each.fit(train, train_y).score(test, test_y)) for each in probes))
