"""Distances between sets of examples: closed forms, a library, the jackknife and repetition."""

import math

import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from raising import raises
from vaekit.errors import DataError
from vaekit.evaluation import frechet_distance, kernel_distance


def normal(count: int, mean: torch.Tensor, root: torch.Tensor) -> torch.Tensor:
    return mean + torch.randn(count, len(mean), dtype=torch.float64) @ root.T


def random_roots(dimensions: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.randn(2, dimensions, dimensions, dtype=torch.float64))


def test_the_distance_of_a_set_to_itself_is_zero():
    x = torch.randn(200, 5)
    assert frechet_distance(x, x).value == pytest.approx(0, abs=1e-9)


def test_a_shift_adds_its_square_and_a_scale_the_square_of_the_difference():
    x = torch.randn(500, 4, dtype=torch.float64)
    shifted = x + torch.tensor([3.0, 0, 0, 4])
    assert frechet_distance(x, shifted).value == pytest.approx(25, abs=1e-8)
    scaled = 3 * (x - x.mean(0)) + x.mean(0)
    total_variance = torch.cov(x.T).trace().item()
    assert frechet_distance(x, scaled).value == pytest.approx(4 * total_variance, rel=1e-9)


def test_the_distance_of_commuting_covariances_is_that_of_their_roots():
    x = torch.randn(3000, 3, dtype=torch.float64)
    white = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T))).T
    a = torch.tensor([1.0, 2, 3], dtype=torch.float64)
    b = torch.tensor([2.0, 0.5, 3], dtype=torch.float64)
    expected = (a - b).square().sum().item()
    assert frechet_distance(white * a, white * b).value == pytest.approx(expected, rel=1e-9)


def test_the_distance_is_symmetric_and_invariant_to_rotation():
    a, b = random_roots(4)
    x = normal(300, torch.zeros(4, dtype=torch.float64), a)
    y = normal(400, torch.ones(4, dtype=torch.float64), b)
    rotation, _ = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))
    expected = frechet_distance(x, y).value
    assert frechet_distance(y, x).value == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(x @ rotation, y @ rotation).value == pytest.approx(expected, rel=1e-9)


def test_directions_without_variance_add_their_shift_only():
    x = torch.randn(300, 2, dtype=torch.float64)
    flat = torch.cat([x, torch.zeros(300, 3, dtype=torch.float64)], 1)
    distance = frechet_distance(flat, flat[:200] + 1)
    expected = frechet_distance(x, x[:200] + 1)
    assert distance.value == pytest.approx(expected.value + 3, rel=1e-6)
    assert distance.standard_error == pytest.approx(expected.standard_error, rel=1e-6)


def test_the_standard_error_is_the_spread_over_repetitions():
    a, b = random_roots(5)
    ones = torch.ones(5, dtype=torch.float64)
    distances = [
        frechet_distance(normal(800, 0 * ones, a), normal(600, ones, b)) for _ in range(200)
    ]
    spread = torch.tensor([each.value for each in distances]).std().item()
    mean_error = sum(each.standard_error for each in distances) / 200
    assert mean_error == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize(("count_x", "count_y"), [(300, 100), (100, 300)])
@pytest.mark.parametrize(("scale_x", "scale_y"), [(1, 2), (2, 1)])
def test_the_standard_error_is_that_of_the_jackknife_for_skewed_features(
    count_x, count_y, scale_x, scale_y
):
    """The jackknife needs no formula; skewness makes means and covariances dependent."""
    x = -scale_x * torch.rand(count_x, 2, dtype=torch.float64).log()
    y = 1 + scale_y * torch.rand(count_y, 2, dtype=torch.float64).log()

    def without(i: int, z: torch.Tensor) -> torch.Tensor:
        return torch.cat([z[:i], z[i + 1 :]])

    by_x = torch.tensor([frechet_distance(without(i, x), y).value for i in range(count_x)])
    by_y = torch.tensor([frechet_distance(x, without(i, y)).value for i in range(count_y)])
    variances = [(len(v) - 1) * v.double().var(correction=0) for v in (by_x, by_y)]
    error = frechet_distance(x, y).standard_error
    assert error == pytest.approx(math.sqrt(sum(variances)), rel=0.06)


def test_the_bias_for_equal_distributions_is_that_of_the_first_order():
    """Of D features and N examples per set: 2 D / N by means, D (D + 1) / 2N by covariances."""
    dimensions, count = 10, 2000
    distances = [frechet_distance(*torch.randn(2, count, dimensions)).value for _ in range(30)]
    bias = 2 * dimensions / count + dimensions * (dimensions + 1) / (2 * count)
    assert sum(distances) / 30 == pytest.approx(bias, rel=0.1)


def test_one_feature_has_a_distance():
    x = torch.randn(500, 1, dtype=torch.float64)
    assert frechet_distance(x, x + 3).value == pytest.approx(9, abs=1e-9)


def test_the_kernel_distance_is_the_mean_of_torchmetrics_over_blocks():
    x = torch.randn(40, 6, dtype=torch.float64)
    y = torch.randn(40, 6, dtype=torch.float64) + 0.3
    blocks = zip(x.tensor_split(10), y.tensor_split(10), strict=True)
    expected = torch.stack([poly_mmd(a, b) for a, b in blocks]).mean().item()
    assert kernel_distance(x, y).value == pytest.approx(expected, rel=1e-9)


def test_the_kernel_distance_of_equal_distributions_is_unbiased_and_its_error_the_spread():
    distances = [kernel_distance(torch.randn(200, 4), torch.randn(200, 4)) for _ in range(200)]
    values = torch.tensor([each.value for each in distances])
    assert abs(values.mean()) < 4 * values.std() / 200**0.5
    mean_error = sum(each.standard_error for each in distances) / 200
    assert mean_error == pytest.approx(values.std().item(), rel=0.2)
    shifted = kernel_distance(torch.randn(200, 4), torch.randn(200, 4) + 2)
    assert shifted.value > 10 * values.std()


def test_the_kernel_distance_needs_two_examples_per_block():
    assert kernel_distance(torch.randn(20, 2), torch.randn(30, 2)).standard_error is not None
    with raises(DataError, "examples"):
        kernel_distance(torch.randn(19, 2), torch.randn(30, 2))
