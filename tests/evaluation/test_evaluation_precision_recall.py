"""Precision, recall, density, coverage: by hand where rows are few, and where what is right is known."""

import pytest
import torch

from vaekit.evaluation import nearest_distance, precision_recall


def values(found) -> dict[str, float]:
    return {name: each.value for name, each in found._asdict().items()}


def test_on_a_line_they_are_what_is_counted_by_hand():
    real = torch.arange(8.0)[
        :, None
    ]  # inner rows reach 2 by the third neighbour, 3 by the fifth; the outermost 3 and 5
    samples = torch.tensor(
        [[3.5], [3.6], [3.7], [3.8], [3.9], [100.0]]
    )  # the last reaches 96.3, others 0.3 at most
    found = values(precision_recall(samples, real))
    reach = torch.tensor([5.0, 4, 3, 3, 3, 3, 4, 5])
    inside = (real - samples.T).abs() <= reach[:, None]
    assert found["precision"] == pytest.approx(5 / 6)
    assert found["density"] == pytest.approx((inside.sum(0) / 5).mean().item())
    assert found["coverage"] == pytest.approx(inside.any(1).double().mean().item())
    assert (
        found["recall"] == 0.5
    )  # 4 to 7, all of them by the lone sample: a known weakness of recall


def test_of_one_distribution_both_are_equal_and_density_is_one():
    samples, real = torch.randn(2, 2000, 3)
    found = precision_recall(samples, real)
    assert abs(found.precision.value - found.recall.value) < 0.03
    assert abs(found.density.value - 1) < 5 * found.density.standard_error + 0.02
    assert found.coverage.value == pytest.approx(
        1 - 0.5**5, abs=0.02
    )  # Naeem et al. (2020), equation 9, of equal numbers


def test_samples_of_one_mode_are_precise_and_cover_half():
    real = torch.cat([torch.randn(1000, 2) - 20, torch.randn(1000, 2) + 20])
    found = values(precision_recall(torch.randn(1000, 2) - 20, real))
    assert found["precision"] > 0.9 and found["density"] > 0.9
    assert 0.4 < found["recall"] < 0.5 and 0.4 < found["coverage"] <= 0.5


def test_shares_do_not_change_with_the_size_of_a_part(monkeypatch):
    samples, real = torch.randn(120, 3), torch.randn(90, 3)
    whole = precision_recall(samples, real)
    monkeypatch.setattr("vaekit.evaluation.precision_recall.MAX_VALUES", 300)
    assert precision_recall(samples, real) == whole


def test_the_nearest_is_the_nearest():
    x, among = torch.randn(30, 4), torch.randn(50, 4)
    torch.testing.assert_close(
        nearest_distance(x, among),
        (x[:, None] - among).norm(dim=-1).min(1).values,
        atol=1e-5,
        rtol=1e-5,
    )


def test_too_few_rows_have_no_neighbours():
    with pytest.raises(ValueError, match="5 rows: neighbours need more than 5"):
        precision_recall(torch.randn(5, 2), torch.randn(9, 2))
