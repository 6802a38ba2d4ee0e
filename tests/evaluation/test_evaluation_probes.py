"""Classes read off codes."""

import pytest
import torch

from vaekit.evaluation import probe


def test_classes_along_a_line_are_read_by_both():
    x = torch.randn(400, 2)
    y = (x[:, 0] > 0).long()
    found = probe(x[:300], y[:300], x[300:], y[300:])
    assert found.linear > 0.97 and found.nearest > 0.9
    assert found.most_frequent == pytest.approx((y[300:] == y[:300].mode().values).double().mean().item())


def test_rings_are_read_by_neighbours_alone():
    radius, angle = torch.arange(600) % 2 + 0.1 * torch.randn(600), 6.28 * torch.rand(600)
    x, y = torch.stack([radius * angle.cos(), radius * angle.sin()], 1), torch.arange(600) % 2
    found = probe(x[:400], y[:400], x[400:], y[400:])
    assert found.nearest > 0.95 and found.linear < 0.7


def test_codes_that_say_nothing_find_no_more_than_the_most_frequent_class():
    y = (torch.rand(3000) < 0.3).long()
    found = probe(torch.zeros(2000, 2), y[:2000], torch.zeros(1000, 2), y[2000:])
    assert found.linear == found.most_frequent == pytest.approx(0.7, abs=0.05)


def test_the_scale_of_a_dimension_does_not_matter_to_the_linear_probe():
    x, y = torch.randn(300, 2), torch.arange(300) % 3
    wide = x * torch.tensor([1e-3, 1e4])
    assert probe(x, y, x, y).linear == pytest.approx(probe(wide, y, wide, y).linear, abs=0.02)
