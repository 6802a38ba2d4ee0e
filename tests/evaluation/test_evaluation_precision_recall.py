"""Precision, recall, density and coverage: by hand, and for known distributions."""

import pytest
import torch

from raising import raises
from vaekit.errors import DataError
from vaekit.evaluation import PrecisionRecall, nearest_distance, precision_recall


def values(metrics: PrecisionRecall) -> dict[str, float]:
    return {name: metric.value for name, metric in metrics._asdict().items()}


def test_metrics_on_a_line_are_those_counted_by_hand():
    real = torch.arange(8.0)[:, None]  # third neighbors at distance 2 or 3, fifth at 3, 4 or 5
    samples = torch.tensor([[3.5], [3.6], [3.7], [3.8], [3.9], [100.0]])
    metrics = values(precision_recall(samples, real))
    radius = torch.tensor([5.0, 4, 3, 3, 3, 3, 4, 5])
    is_inside = (real - samples.T).abs() <= radius[:, None]
    assert metrics["precision"] == pytest.approx(5 / 6)
    assert metrics["density"] == pytest.approx((is_inside.sum(0) / 5).mean().item())
    assert metrics["coverage"] == pytest.approx(is_inside.any(1).double().mean().item())
    # 4 to 7 are recalled by the outlier alone, whose radius is 96.3: a known weakness of recall.
    assert metrics["recall"] == 0.5


def test_equal_distributions_have_equal_precision_and_recall_and_density_one():
    samples, real = torch.randn(2, 2000, 3)
    metrics = precision_recall(samples, real)
    assert abs(metrics.precision.value - metrics.recall.value) < 0.03
    assert abs(metrics.density.value - 1) < 5 * metrics.density.standard_error + 0.02
    # Naeem et al. (2020), equation 9, for equal numbers of examples.
    assert metrics.coverage.value == pytest.approx(1 - 0.5**5, abs=0.02)


def test_samples_of_one_of_two_modes_are_precise_and_cover_half():
    real = torch.cat([torch.randn(1000, 2) - 20, torch.randn(1000, 2) + 20])
    metrics = values(precision_recall(torch.randn(1000, 2) - 20, real))
    assert metrics["precision"] > 0.9 and metrics["density"] > 0.9
    assert 0.4 < metrics["recall"] < 0.5 and 0.4 < metrics["coverage"] <= 0.5


def test_the_nearest_distance_is_the_smallest_of_all():
    x = torch.randn(30, 4)
    others = torch.randn(50, 4)
    expected = (x[:, None] - others).norm(dim=-1).min(1).values
    torch.testing.assert_close(nearest_distance(x, others), expected, atol=1e-5, rtol=1e-5)


def test_the_nearest_distance_is_right_in_every_chunk():
    x = torch.randn(4100, 2)
    others = torch.randn(3000, 2)
    expected = [(part[:, None] - others).norm(dim=-1).min(1).values for part in x.split(500)]
    actual = nearest_distance(x, others)
    torch.testing.assert_close(actual, torch.cat(expected), atol=1e-3, rtol=1e-3)


def test_metrics_of_several_chunks_do_not_depend_on_the_order_of_examples():
    samples = torch.cat([torch.randn(2600, 2), 0.1 * torch.randn(800, 2) + 3]).double()
    real = torch.cat([torch.randn(2000, 2), 0.3 * torch.randn(1500, 2) - 2]).double()
    expected = values(precision_recall(samples, real))
    for reordered in (
        precision_recall(samples.flip(0), real),
        precision_recall(samples, real.flip(0)),
    ):
        assert values(reordered) == pytest.approx(expected, abs=1e-3)
    assert all(0.05 < value < 0.99 for value in expected.values())


def test_five_examples_are_too_few():
    precision_recall(torch.randn(6, 2), torch.randn(9, 2))
    with raises(DataError, "examples"):
        precision_recall(torch.randn(5, 2), torch.randn(9, 2))
