"""Classes predicted from latent codes."""

import numpy as np
import pytest

from vaekit.evaluation import probe

RNG = np.random.default_rng(0)


def test_classes_along_a_line_are_predicted_by_both_probes():
    x = RNG.normal(size=(400, 2))
    y = (x[:, 0] > 0).astype(int)
    accuracies = probe(x[:300], y[:300], x[300:], y[300:])
    assert accuracies.linear > 0.97
    assert accuracies.nearest > 0.9
    most_frequent = (y[300:] == np.bincount(y[:300]).argmax()).mean()
    assert accuracies.most_frequent == pytest.approx(most_frequent)


def test_rings_are_predicted_by_nearest_neighbors_only():
    y = np.arange(600) % 2
    radius = 1 + y + 0.1 * RNG.normal(size=600)
    angle = 2 * np.pi * RNG.random(600)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    accuracies = probe(x[:400], y[:400], x[400:], y[400:])
    assert accuracies.nearest > 0.95
    assert accuracies.linear < 0.7


def test_constant_codes_predict_the_most_frequent_class():
    y = (RNG.random(3000) < 0.3).astype(int)
    accuracies = probe(np.zeros((2000, 2)), y[:2000], np.zeros((1000, 2)), y[2000:])
    assert accuracies.linear == accuracies.most_frequent == pytest.approx(0.7, abs=0.05)


def test_the_linear_probe_is_invariant_to_the_scale_of_dimensions():
    x = RNG.normal(size=(300, 2))
    y = np.arange(300) % 3
    scaled = x * [1e-3, 1e4]
    assert probe(x, y, x, y).linear == pytest.approx(probe(scaled, y, scaled, y).linear)


def test_the_nearest_five_codes_vote():
    y = np.array([1, 1, 0, 0, 0, 1, 1, 1, 1])  # by distance: 5 vote for 0; 1, 3, 7 or 9 for 1
    x = np.arange(1.0, 10.0)[:, None]
    assert probe(x, y, np.zeros((1, 1)), np.array([0])).nearest == 1.0
