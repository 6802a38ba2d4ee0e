"""Atypicality: statistics that are unusual on either side."""

import numpy as np

from vaekit.evaluation import atypicality_score

RNG = np.random.default_rng(0)


def test_the_score_of_normal_statistics_is_minus_their_log_density():
    typical = RNG.normal(size=(20_000, 1)) * 3 + 5
    points = np.array([[5.0], [8.0], [11.0]])
    standardized = (points[:, 0] - 5) / 3
    exact = 0.5 * standardized**2 + 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(atypicality_score(typical, points), exact, atol=0.12)


def test_a_statistic_that_is_too_good_is_as_atypical_as_one_that_is_too_bad():
    points = np.array([[-5.0, 0.0], [0.0, 0.0], [5.0, 0.0]])
    low, middle, high = atypicality_score(RNG.normal(size=(2000, 2)), points)
    assert min(low, high) > middle + 5


def test_a_constant_statistic_gives_finite_scores():
    typical = np.stack([RNG.normal(size=500), np.ones(500)], 1)
    assert np.isfinite(atypicality_score(typical, typical)).all()
