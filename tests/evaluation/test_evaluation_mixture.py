"""A mixture over codes draws what it was fitted to."""

import numpy as np
import pytest
import torch

from vaekit.errors import DataError
from vaekit.evaluation import CodeMixture


def corners(rows: int) -> tuple[torch.Tensor, np.ndarray]:
    """Codes around three corners, each a class."""
    y = np.arange(rows) % 3
    centres = torch.tensor([[10.0, 0], [0, 10], [-10, -10]])
    return centres[y] + torch.randn(rows, 2) @ torch.tensor([[1.0, 0.5], [0, 0.5]]), y


def test_draws_have_the_mean_and_the_covariance_of_the_codes():
    codes, _ = corners(3000)
    drawn = CodeMixture(codes, components=3).draw(20_000)
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.3, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(codes.T), atol=2.0, rtol=0)


def test_one_component_is_the_normal_distribution_of_the_codes():
    codes = torch.randn(5000, 3) @ torch.randn(3, 3)
    mixture = CodeMixture(codes, components=1)
    torch.testing.assert_close(mixture.means[0].float(), codes.mean(0), atol=1e-4, rtol=1e-4)
    wanted = torch.cov(codes.T, correction=0)
    torch.testing.assert_close((mixture.roots[0] @ mixture.roots[0].T).float(), wanted, atol=1e-4, rtol=1e-3)


def test_a_class_draws_from_its_own_corner():
    codes, y = corners(600)
    mixture = CodeMixture(codes, y, classes=3, components=3)
    for label, centre in enumerate(torch.tensor([[10.0, 0], [0, 10], [-10, -10]])):
        drawn = mixture.draw(50, torch.full((50,), label))
        assert ((drawn - centre).norm(dim=1) < 6).all()


def test_a_class_without_codes_draws_as_all_do():
    codes, y = corners(600)
    mixture = CodeMixture(codes, y, classes=4, components=3)
    torch.testing.assert_close(mixture.weights[3], mixture.weights.new_full((3,), 1 / 3), atol=0.02, rtol=0)


def test_many_dimensions_have_diagonal_components():
    codes = torch.randn(400, 65) * torch.linspace(0.1, 3, 65)
    mixture = CodeMixture(codes, components=1)
    torch.testing.assert_close(mixture.roots[0].diagonal().float(), codes.std(0, correction=0), atol=1e-3, rtol=1e-3)
    assert mixture.draw(5).shape == (5, 65)


def test_equal_seeds_fit_equally_and_few_codes_get_few_components():
    codes, _ = corners(50)
    first, second = (CodeMixture(codes, seed=3) for _ in range(2))
    assert torch.equal(first.means, second.means) and len(first.means) == 2
    with pytest.raises(DataError, match="1 codes: a mixture needs 2 or more"):
        CodeMixture(codes[:1])
