"""Distances between sets of rows: against closed forms, a library, and their own repetition."""

import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from vaekit.evaluation import frechet_distance, kernel_distance


def normal(rows: int, mean: torch.Tensor, root: torch.Tensor) -> torch.Tensor:
    return mean + torch.randn(rows, len(mean), dtype=torch.float64) @ root.T


def roots(dimensions: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.randn(2, dimensions, dimensions, dtype=torch.float64))


def test_equal_rows_are_nowhere_apart():
    x = torch.randn(200, 5)
    assert frechet_distance(x, x).value == pytest.approx(0, abs=1e-9)


def test_a_shift_costs_its_square_and_a_scale_the_square_of_the_difference():
    x = torch.randn(500, 4, dtype=torch.float64)
    assert frechet_distance(x, x + torch.tensor([3.0, 0, 0, 4])).value == pytest.approx(
        25, abs=1e-8
    )
    spread = torch.cov(x.T).trace().item()
    assert frechet_distance(x, 3 * (x - x.mean(0)) + x.mean(0)).value == pytest.approx(
        4 * spread, rel=1e-9
    )


def test_of_covariances_that_commute_it_is_that_of_their_roots():
    x = torch.randn(3000, 3, dtype=torch.float64)
    x = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T))).T  # exactly white
    a, b = (
        torch.tensor([1.0, 2, 3], dtype=torch.float64),
        torch.tensor([2.0, 0.5, 3], dtype=torch.float64),
    )
    assert frechet_distance(x * a, x * b).value == pytest.approx(
        (a - b).square().sum().item(), rel=1e-9
    )


def test_it_is_symmetric_and_does_not_turn_with_the_axes():
    a, b = roots(4)
    x, y = (
        normal(300, torch.zeros(4, dtype=torch.float64), a),
        normal(400, torch.ones(4, dtype=torch.float64), b),
    )
    turn, _ = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))
    assert frechet_distance(y, x).value == pytest.approx(frechet_distance(x, y).value, rel=1e-9)
    assert frechet_distance(x @ turn, y @ turn).value == pytest.approx(
        frechet_distance(x, y).value, rel=1e-9
    )


def test_directions_without_variance_do_no_harm():
    x = torch.randn(300, 2, dtype=torch.float64)
    flat = torch.cat([x, torch.zeros(300, 3, dtype=torch.float64)], 1)
    found, wanted = frechet_distance(flat, flat[:200] + 1), frechet_distance(x, x[:200] + 1)
    assert found.value == pytest.approx(wanted.value + 3, rel=1e-6)
    assert found.standard_error == pytest.approx(wanted.standard_error, rel=1e-6)


def test_its_standard_error_is_its_spread():
    a, b = roots(5)
    ones = torch.ones(5, dtype=torch.float64)
    found = [frechet_distance(normal(800, 0 * ones, a), normal(600, ones, b)) for _ in range(200)]
    spread = torch.tensor([each.value for each in found]).std().item()
    assert sum(each.standard_error for each in found) / 200 == pytest.approx(spread, rel=0.2)


def test_of_equal_distributions_it_is_what_few_rows_add_and_no_more():
    """The bias for D features and N rows of each, to first order: tr of what covariances miss, D (D + 1) / 2N."""
    dimensions, rows = 10, 2000
    found = [frechet_distance(*torch.randn(2, rows, dimensions)).value for _ in range(30)]
    mean_part, covariance_part = 2 * dimensions / rows, dimensions * (dimensions + 1) / (2 * rows)
    assert sum(found) / 30 == pytest.approx(mean_part + covariance_part, rel=0.1)


def test_one_feature_is_enough():
    x = torch.randn(500, 1, dtype=torch.float64)
    assert frechet_distance(x, x + 3).value == pytest.approx(9, abs=1e-9)


def test_the_kernel_distance_is_what_a_library_finds_in_each_block():
    x, y = torch.randn(40, 6, dtype=torch.float64), torch.randn(60, 6, dtype=torch.float64) + 0.3
    blocks = [
        poly_mmd(a, b) for a, b in zip(x.tensor_split(10), y[:40].tensor_split(10), strict=True)
    ]
    found = kernel_distance(x, y[:40])
    assert found.value == pytest.approx(torch.stack(blocks).mean().item(), rel=1e-9)


def test_the_kernel_distance_of_equal_distributions_is_nothing_on_average_and_its_error_the_spread():
    found = [kernel_distance(torch.randn(200, 4), torch.randn(200, 4)) for _ in range(200)]
    values = torch.tensor([each.value for each in found])
    assert abs(values.mean()) < 4 * values.std() / 200**0.5
    assert sum(each.standard_error for each in found) / 200 == pytest.approx(
        values.std().item(), rel=0.2
    )
    assert kernel_distance(torch.randn(200, 4), torch.randn(200, 4) + 2).value > 10 * values.std()


def test_too_few_rows_for_blocks_are_refused():
    with pytest.raises(ValueError, match="19 rows: the kernel distance needs 20 of each"):
        kernel_distance(torch.randn(19, 2), torch.randn(30, 2))
