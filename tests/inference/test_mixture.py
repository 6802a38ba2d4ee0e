"""A mixture over latent codes has the distribution that it was fitted to."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

from raising import raises
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import CodeMixture

CENTERS = torch.tensor([[10.0, 0], [0, 10], [-10, -10]])


def three_clusters(count: int) -> tuple[torch.Tensor, np.ndarray]:
    """Codes around three centers, each a class."""
    y = np.arange(count) % 3
    return CENTERS[y] + torch.randn(count, 2) @ torch.tensor([[1.0, 0.5], [0, 0.5]]), y


def test_samples_have_the_mean_and_the_covariance_of_the_codes():
    codes, _ = three_clusters(3000)
    samples = CodeMixture(codes, components=3).sample(20_000)
    torch.testing.assert_close(samples.mean(0), codes.mean(0), atol=0.3, rtol=0)
    torch.testing.assert_close(torch.cov(samples.T), torch.cov(codes.T), atol=2.0, rtol=0)


def test_one_component_samples_the_normal_distribution_of_the_codes():
    codes = torch.randn(5000, 3) @ torch.randn(3, 3)
    samples = CodeMixture(codes, components=1).sample(200_000)
    torch.testing.assert_close(samples.mean(0), codes.mean(0), atol=0.03, rtol=0)
    covariance = torch.cov(codes.T, correction=0)
    torch.testing.assert_close(torch.cov(samples.T), covariance, atol=0.05, rtol=0.03)


def test_samples_of_a_class_are_close_to_its_center():
    codes, y = three_clusters(600)
    mixture = CodeMixture(codes, y, classes=3, components=3)
    for label, center in enumerate(CENTERS):
        samples = mixture.sample(50, torch.full((50,), label))
        assert ((samples - center).norm(dim=1) < 6).all()


@pytest.mark.parametrize("y", [None, torch.zeros(4, dtype=torch.long)])
def test_a_mixture_with_classes_needs_one_per_sample(y):
    codes, labels = three_clusters(600)
    with raises(DataError, "y"):
        CodeMixture(codes, labels, classes=3).sample(5, y)


def test_a_class_without_codes_has_the_weights_of_all():
    codes, y = three_clusters(600)
    mixture = CodeMixture(codes, y, classes=4, components=3)
    thirds = mixture.weights.new_full((3,), 1 / 3)
    torch.testing.assert_close(mixture.weights[3], thirds, atol=0.02, rtol=0)


@pytest.mark.parametrize("dimensions", [65, 50])
def test_many_dimensions_or_few_codes_have_diagonal_components(dimensions):
    codes = torch.randn(400, dimensions) * torch.linspace(0.1, 3, dimensions)
    mixture = CodeMixture(codes, components=1)
    assert not mixture.is_full
    samples = mixture.sample(50_000)
    torch.testing.assert_close(samples.std(0), codes.std(0, correction=0), atol=1e-3, rtol=0.03)


@pytest.mark.parametrize(("count", "dimensions"), [(200, 50), (500, 32), (1000, 64), (4000, 16)])
def test_new_codes_are_almost_as_likely_as_under_the_true_distribution(count, dimensions):
    """An overfitted mixture fails: for 200 codes of 50 dimensions by millions of nats."""
    mixture = CodeMixture(torch.randn(count, dimensions))
    new = torch.randn(500, dimensions)
    density = mixture.log_prob(new).mean()
    truth = Normal(0.0, 1.0).log_prob(new).sum(1).mean()
    assert density > truth - 8


@pytest.mark.parametrize("count", [5000, 100])
def test_one_component_has_the_density_of_a_normal_distribution(count):
    codes = torch.randn(count, 8, dtype=torch.float64) * torch.linspace(0.1, 9, 8)
    mixture = CodeMixture(codes, components=1)
    z = torch.randn(20, 8, dtype=torch.float64)
    covariance = torch.cov(codes.T, correction=0)
    if not mixture.is_full:
        covariance = covariance.diag().diag()
    expected = MultivariateNormal(codes.mean(0), covariance).log_prob(z)
    torch.testing.assert_close(mixture.log_prob(z), expected, atol=1e-3, rtol=1e-4)


def test_components_weigh_as_much_as_they_have_codes():
    clusters = [torch.randn(900, 2).double() - 20, 0.5 * torch.randn(100, 2).double() + 20]
    mixture = CodeMixture(torch.cat(clusters), components=2)
    for cluster, weight in zip(clusters, (0.9, 0.1), strict=True):
        normal = MultivariateNormal(cluster.mean(0), torch.cov(cluster.T, correction=0))
        z = cluster[:20]
        expected = normal.log_prob(z) + np.log(weight)
        torch.testing.assert_close(mixture.log_prob(z), expected, atol=1e-2, rtol=0)
    samples = mixture.sample(20_000)
    error = 5 * (0.09 / 20_000) ** 0.5
    assert (samples[:, 0] > 0).double().mean() == pytest.approx(0.1, abs=error)


def test_the_fit_repeats_by_seed():
    codes = torch.randn(500, 2)
    first, again, other = (CodeMixture(codes, seed=seed).means for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_codes_of_any_scale_are_fitted():
    codes = torch.randn(500, 3) * torch.tensor([1e-6, 1.0, 1e8])
    samples = CodeMixture(codes, components=2).sample(5000)
    torch.testing.assert_close(samples.std(0), codes.std(0), rtol=0.1, atol=0)


@pytest.mark.parametrize("codes", [torch.zeros(1, 2), torch.full((100, 2), torch.nan)])
def test_codes_without_a_density_are_refused(codes):
    with raises(DataError, "codes"):
        CodeMixture(codes)


@pytest.mark.parametrize("components", [0, "a"])
def test_a_number_of_components_that_is_no_positive_integer_is_refused(components):
    with raises(ConfigError, "components"):
        CodeMixture(torch.randn(100, 2), components=components)
