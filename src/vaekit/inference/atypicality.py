"""How usual a row's figures are among those of rows that are known to be usual."""

from typing import Any

import numpy as np


def atypicality_score(known: np.ndarray, found: np.ndarray) -> np.ndarray:
    """-log of the density of statistics [M, S] among known ones [N, S], in nats: [M] (Morningstar et al., 2021, DoSE).

    A row that is too easy for a model is as odd as one that is too hard: a blank image has the highest likelihood of all. The
    density is scikit-learn's Gaussian kernel estimate, of statistics scaled to deviation 1, with Silverman's bandwidth.
    """
    from sklearn.neighbors import KernelDensity

    mean, scale = known.mean(0), known.std(0).clip(min=1e-12)
    rule: Any = "silverman"  # which scikit-learn's types do not know
    density = KernelDensity(bandwidth=rule).fit((known - mean) / scale)
    return -density.score_samples((found - mean) / scale)
