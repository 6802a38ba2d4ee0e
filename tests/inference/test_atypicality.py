"""Rows whose figures are unusual, on either side."""

import numpy as np

from vaekit.evaluation import atypicality_score

RNG = np.random.default_rng(0)


def test_the_density_of_a_normal_is_found():
    known = RNG.normal(size=(20_000, 1)) * 3 + 5
    at = np.array([[5.0], [8.0], [11.0]])
    exact = 0.5 * ((at[:, 0] - 5) / 3) ** 2 + 0.5 * np.log(
        2 * np.pi
    )  # of what is scaled to deviation 1
    np.testing.assert_allclose(atypicality_score(known, at), exact, atol=0.12)


def test_what_is_too_good_is_as_odd_as_what_is_too_bad():
    scores = atypicality_score(
        RNG.normal(size=(2000, 2)), np.array([[-5.0, 0.0], [0.0, 0.0], [5.0, 0.0]])
    )
    assert min(scores[0], scores[2]) > scores[1] + 5


def test_a_statistic_that_never_changes_does_no_harm():
    known = np.stack([RNG.normal(size=500), np.ones(500)], 1)
    assert np.isfinite(atypicality_score(known, known)).all()
