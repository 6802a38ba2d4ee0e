"""A mixture over codes draws what it was fitted to."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from vaekit.errors import ConfigError, DataError
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
    drawn = CodeMixture(codes, components=1).draw(200_000)
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.03, rtol=0)
    torch.testing.assert_close(
        torch.cov(drawn.T), torch.cov(codes.T, correction=0), atol=0.05, rtol=0.03
    )


def test_a_class_draws_from_its_own_corner():
    codes, y = corners(600)
    mixture = CodeMixture(codes, y, classes=3, components=3)
    for label, centre in enumerate(torch.tensor([[10.0, 0], [0, 10], [-10, -10]])):
        drawn = mixture.draw(50, torch.full((50,), label))
        assert ((drawn - centre).norm(dim=1) < 6).all()


def test_a_mixture_of_classes_asks_for_them():
    codes, y = corners(600)
    with pytest.raises(
        DataError, match="weights for each of 3 classes: give y, a class number for each draw"
    ):
        CodeMixture(codes, y, classes=3).draw(5)


def test_a_class_without_codes_draws_as_all_do():
    codes, y = corners(600)
    mixture = CodeMixture(codes, y, classes=4, components=3)
    torch.testing.assert_close(
        mixture.weights[3], mixture.weights.new_full((3,), 1 / 3), atol=0.02, rtol=0
    )


@pytest.mark.parametrize("dimensions", [65, 50])
def test_many_dimensions_or_few_codes_have_diagonal_components(dimensions):
    codes = torch.randn(400, dimensions) * torch.linspace(0.1, 3, dimensions)
    drawn = CodeMixture(codes, components=1).draw(50_000)
    torch.testing.assert_close(drawn.std(0), codes.std(0, correction=0), atol=1e-3, rtol=0.03)


@pytest.mark.parametrize(("rows", "dimensions"), [(200, 50), (500, 32), (1000, 64), (4000, 16)])
def test_codes_that_were_not_seen_are_not_much_less_likely_than_under_the_truth(rows, dimensions):
    """What a mixture that knew its codes by heart would fail: for 200 codes of 50 dimensions by millions of nats."""
    mixture, new = CodeMixture(torch.randn(rows, dimensions)), torch.randn(500, dimensions)
    density = mixture.log_prob(new).mean()
    truth = Normal(0.0, 1.0).log_prob(new).sum(1).mean()
    assert density > truth - 8


@pytest.mark.parametrize("rows", [5000, 100])
def test_one_component_has_the_density_of_a_normal_distribution(rows):
    codes = torch.randn(rows, 8, dtype=torch.float64) * torch.linspace(0.1, 9, 8)
    mixture, z = CodeMixture(codes, components=1), torch.randn(20, 8, dtype=torch.float64)
    covariance = torch.cov(codes.T, correction=0)
    covariance = covariance if mixture.whole else covariance.diag().diag()
    wanted = MultivariateNormal(codes.mean(0), covariance).log_prob(z)
    torch.testing.assert_close(mixture.log_prob(z), wanted, atol=1e-3, rtol=1e-4)


def test_equal_seeds_fit_equally():
    codes, _ = corners(50)
    first, second = (CodeMixture(codes, seed=3) for _ in range(2))
    assert torch.equal(first.means, second.means)


def test_codes_of_any_scale_are_fitted():
    codes = torch.randn(500, 3) * torch.tensor([1e-6, 1.0, 1e8])
    drawn = CodeMixture(codes, components=2).draw(5000)
    torch.testing.assert_close(drawn.std(0), codes.std(0), rtol=0.1, atol=0)


def test_what_has_no_density_is_refused():
    with pytest.raises(DataError, match="1 codes: a mixture needs 2 or more"):
        CodeMixture(torch.zeros(1, 2))
    with pytest.raises(DataError, match="these codes have no density"):
        CodeMixture(torch.full((100, 2), torch.nan))
    for components in (0, "a"):
        with pytest.raises(ConfigError, match=r"components = .*: at least 1, a whole number"):
            CodeMixture(torch.randn(100, 2), components=components)
