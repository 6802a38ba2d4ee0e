"""Classes read off codes."""

import numpy as np
import pytest

from vaekit.evaluation import probe

RNG = np.random.default_rng(0)


def test_classes_along_a_line_are_read_by_both():
    x = RNG.normal(size=(400, 2))
    y = (x[:, 0] > 0).astype(int)
    found = probe(x[:300], y[:300], x[300:], y[300:])
    assert found.linear > 0.97 and found.nearest > 0.9
    assert found.most_frequent == pytest.approx((y[300:] == np.bincount(y[:300]).argmax()).mean())


def test_rings_are_read_by_neighbours_alone():
    y = np.arange(600) % 2
    radius, angle = y + 0.1 * RNG.normal(size=600), 2 * np.pi * RNG.random(600)
    x = np.stack([(1 + radius) * np.cos(angle), (1 + radius) * np.sin(angle)], 1)
    found = probe(x[:400], y[:400], x[400:], y[400:])
    assert found.nearest > 0.95 and found.linear < 0.7


def test_codes_that_say_nothing_find_no_more_than_the_most_frequent_class():
    y = (RNG.random(3000) < 0.3).astype(int)
    found = probe(np.zeros((2000, 2)), y[:2000], np.zeros((1000, 2)), y[2000:])
    assert found.linear == found.most_frequent == pytest.approx(0.7, abs=0.05)


def test_the_scale_of_a_dimension_does_not_matter_to_the_linear_probe():
    x, y = RNG.normal(size=(300, 2)), np.arange(300) % 3
    wide = x * [1e-3, 1e4]
    assert probe(x, y, x, y).linear == pytest.approx(probe(wide, y, wide, y).linear)
