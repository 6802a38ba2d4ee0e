import math

import pytest
import torch
from torch import Tensor

from vaekit import likelihoods
from vaekit.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian

SHAPE = (2, 3)


def double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def normal_log_density(x: Tensor, mu: Tensor, sigma: Tensor | float) -> Tensor:
    scale = torch.as_tensor(sigma, dtype=x.dtype)
    return (-0.5 * ((x - mu) / scale) ** 2 - scale.log() - 0.5 * math.log(2 * math.pi)).sum(
        (-2, -1)
    )


# --- Gaussian -------------------------------------------------------------------------------------


def test_a_fixed_scale_is_sigma():
    x = double(5, *SHAPE)
    mu = double(5, *SHAPE)
    likelihood = Gaussian(SHAPE, scale=0.3)
    torch.testing.assert_close(likelihood(mu).log_prob(x), normal_log_density(x, mu, 0.3))
    assert list(likelihood.parameters()) == [] and likelihood.parameter_shape == SHAPE


def test_a_shared_scale_starts_at_one_and_is_learned():
    x = double(5, *SHAPE)
    mu = double(5, *SHAPE)
    likelihood = Gaussian(SHAPE).double()
    assert likelihood.log_var is not None and likelihood.parameter_shape == SHAPE
    torch.testing.assert_close(
        likelihood(mu).log_prob(x), normal_log_density(x, mu, 1.0), rtol=0, atol=0.01
    )
    with torch.no_grad():
        likelihood.log_var.fill_(math.log(0.25))
    torch.testing.assert_close(likelihood(mu).stddev, torch.full_like(mu, 0.5), rtol=1e-3, atol=0)
    (slope,) = torch.autograd.grad(likelihood(mu).log_prob(x).sum(), likelihood.log_var)
    exact = (0.5 * (x - mu).square() / 0.25 - 0.5).sum()  # d/d log sigma^2
    torch.testing.assert_close(slope, exact, rtol=0.01, atol=0.01)


def test_a_shared_scale_starts_from_the_spread_of_the_examples_once():
    likelihood = Gaussian(SHAPE).double()
    means = torch.tensor([0.0, 100.0, -5.0], dtype=torch.float64)
    likelihood.init_from_data(means + 0.3 * double(4000, *SHAPE))
    mu = torch.zeros(1, *SHAPE, dtype=torch.float64)
    torch.testing.assert_close(likelihood(mu).stddev, torch.full_like(mu, 0.3), rtol=0.01, atol=0)
    likelihood.init_from_data(7 * double(100, *SHAPE))  # a sigma that was set stays
    torch.testing.assert_close(likelihood(mu).stddev, torch.full_like(mu, 0.3), rtol=0.01, atol=0)


@pytest.mark.parametrize(
    "examples", [torch.zeros(5, *SHAPE), torch.zeros(1, *SHAPE), torch.zeros(0, *SHAPE)]
)
def test_examples_without_a_spread_start_a_scale_that_is_finite(examples):
    likelihood = Gaussian(SHAPE, min_scale=0.05)
    likelihood.init_from_data(examples)
    assert 0.05 < likelihood(torch.zeros(1, *SHAPE)).stddev.min() <= 1.01


@pytest.mark.parametrize("scale", [0.3, "learned"])
def test_only_a_shared_scale_starts_from_the_examples(scale):
    likelihood = Gaussian(SHAPE, scale=scale)
    before = likelihood(torch.zeros(1, *likelihood.parameter_shape)).stddev
    likelihood.init_from_data(9 * torch.randn(50, *SHAPE))
    assert torch.equal(likelihood(torch.zeros(1, *likelihood.parameter_shape)).stddev, before)


def test_a_learned_scale_takes_its_log_variances_from_the_second_half_of_the_channels():
    x = double(5, *SHAPE)
    mu = double(5, *SHAPE)
    log_var = double(5, *SHAPE)
    likelihood = Gaussian(SHAPE, scale="learned")
    assert likelihood.parameter_shape == (4, 3)
    p = likelihood(torch.cat([mu, log_var], dim=1))
    torch.testing.assert_close(p.mean, mu)
    torch.testing.assert_close(p.stddev, (log_var / 2).exp(), rtol=0.02, atol=0)
    torch.testing.assert_close(p.log_prob(x), normal_log_density(x, p.mean, p.stddev))


@pytest.mark.parametrize("scale", ["shared", "learned"])
def test_a_learned_sigma_stays_above_the_smallest(scale):
    likelihood = Gaussian(SHAPE, scale=scale, min_scale=0.05).double()
    if likelihood.log_var is not None:
        likelihood.log_var.data.fill_(-1e3)
    p = likelihood(torch.full((1, *likelihood.parameter_shape), -1e3, dtype=torch.float64))
    torch.testing.assert_close(p.stddev, torch.full((1, *SHAPE), 0.05, dtype=torch.float64))


def test_a_fixed_sigma_has_no_lower_bound():
    assert (
        Gaussian(SHAPE, scale=1e-4, min_scale=0.05)(torch.zeros(1, *SHAPE)).stddev == 1e-4
    ).all()


def test_in_half_precision_the_density_is_computed_in_single():
    p = Gaussian(SHAPE, scale=0.3)(torch.zeros(1, *SHAPE, dtype=torch.bfloat16))
    assert p.mean.dtype == p.stddev.dtype == torch.float32
    assert p.stddev.flatten()[0].item() == pytest.approx(0.3)


# --- Bernoulli and continuous Bernoulli -----------------------------------------------------------


def test_bernoulli_keeps_both_halves_for_gray_targets():
    logits = double(5, *SHAPE)
    x = torch.rand(5, *SHAPE, dtype=torch.float64)
    p = torch.sigmoid(logits)
    exact = (x * p.log() + (1 - x) * (1 - p).log()).sum((-2, -1))
    torch.testing.assert_close(Bernoulli(SHAPE)(logits).log_prob(x), exact)
    torch.testing.assert_close(Bernoulli(SHAPE)(logits).mean, p)


def test_only_a_bernoulli_of_gray_targets_is_no_density():
    assert Bernoulli(SHAPE).not_normalized("binary") is None
    assert Bernoulli(SHAPE).not_normalized("unit")
    assert ContinuousBernoulli(SHAPE).not_normalized("unit") is None
    assert all(Gaussian(SHAPE).not_normalized(support) is None for support in Gaussian.accepts)


def test_the_continuous_bernoulli_is_the_bernoulli_normalized():
    logits = double(5, *SHAPE)
    x = torch.rand(5, *SHAPE, dtype=torch.float64)
    constant = (logits / torch.tanh(logits / 2)).log().sum((-2, -1))
    expected = Bernoulli(SHAPE)(logits).log_prob(x) + constant
    torch.testing.assert_close(ContinuousBernoulli(SHAPE)(logits).log_prob(x), expected)


# --- Likelihoods of the user's own ----------------------------------------------------------------


def test_a_likelihood_of_the_users_own_defines_per_value():
    class Laplace(likelihoods.Likelihood):
        accepts = ("real",)
        parameters_per_value = 2

        def per_value(self, loc: Tensor, log_scale: Tensor) -> torch.distributions.Laplace:  # type: ignore[override]
            return torch.distributions.Laplace(loc, log_scale.exp())

    p = Laplace((4,))(torch.zeros(3, 8))
    assert (p.batch_shape, p.event_shape) == ((3,), (4,))
    torch.testing.assert_close(
        p.log_prob(torch.ones(3, 4)), torch.full((3,), 4 * (-1 - math.log(2)))
    )


def test_an_abstract_likelihood_names_the_missing_method():
    with pytest.raises(NotImplementedError, match=r"^Likelihood must define per_value$"):
        likelihoods.Likelihood((4,))(torch.zeros(3, 4))
