import math

import pytest
import torch
from torch import Tensor

from raising import raises
from vaekit.errors import ConfigError
from vaekit.likelihoods import Bernoulli, Categorical, DiscretizedLogistic

SHAPE = (2, 3)
IMAGE = (2, 3, 4)
both = pytest.mark.parametrize(
    "family", [Categorical, DiscretizedLogistic], ids=["categorical", "discretized-logistic"]
)


def double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def random_levels(levels: int, *shape: int) -> Tensor:
    return torch.randint(0, levels, shape).double() / (levels - 1)


def rounded_logistic(x: Tensor, mu: Tensor, scale: Tensor, levels: int) -> Tensor:
    """The probability of one level by its definition."""
    half = 0.5 / (levels - 1)
    upper = torch.where(x == 1, torch.ones_like(mu), torch.sigmoid((x + half - mu) / scale))
    return upper - torch.where(x == 0, torch.zeros_like(mu), torch.sigmoid((x - half - mu) / scale))


# --- Categorical ----------------------------------------------------------------------------------


def test_a_categorical_takes_one_block_of_channels_per_level():
    likelihood = Categorical(IMAGE, levels=7)
    logits = double(5, 7, *IMAGE)
    x = random_levels(7, 5, *IMAGE)
    assert likelihood.parameter_shape == (14, 3, 4)
    p = logits.exp() / logits.exp().sum(1, keepdim=True)
    chosen = sum(p[:, k].log() * (x * 6 == k) for k in range(7)).sum((-3, -2, -1))  # type: ignore[union-attr]
    for features in (
        logits.flatten(1, 2),
        logits.flatten(1, 2).contiguous(memory_format=torch.channels_last),
    ):
        torch.testing.assert_close(likelihood(features).log_prob(x), chosen)


def test_a_categorical_of_two_levels_is_a_bernoulli_of_the_difference():
    logits = double(5, 4, 3)
    x = random_levels(2, 5, *SHAPE)
    p = Categorical(SHAPE, levels=2)(logits)
    bernoulli = Bernoulli(SHAPE)(logits[:, 2:] - logits[:, :2])
    torch.testing.assert_close(p.log_prob(x), bernoulli.log_prob(x))
    torch.testing.assert_close(p.mean, bernoulli.mean)
    torch.testing.assert_close(p.variance, bernoulli.variance)


# --- Discretized logistic -------------------------------------------------------------------------


def test_a_discretized_logistic_takes_its_log_scales_from_the_second_half_of_the_channels():
    likelihood = DiscretizedLogistic(IMAGE, levels=5)
    mu = double(5, *IMAGE)
    log_scale = double(5, *IMAGE)
    x = random_levels(5, 5, *IMAGE)
    assert likelihood.parameter_shape == (4, 3, 4)
    exact = rounded_logistic(
        x, 0.5 + mu, likelihood(torch.cat([mu, log_scale], 1)).base_dist.scale, 5
    )
    torch.testing.assert_close(
        likelihood(torch.cat([mu, log_scale], 1)).log_prob(x), exact.log().sum((-3, -2, -1))
    )


@pytest.mark.parametrize("levels", [17, 256, 65_536])
def test_the_scale_starts_at_a_third_and_follows_its_logarithm(levels: int):
    log_scale = torch.tensor([[[0.0], [-1.0], [1.0]]], dtype=torch.float64)
    p = DiscretizedLogistic((3, 1), levels=levels)(
        torch.cat([torch.zeros_like(log_scale), log_scale], 1)
    ).base_dist
    torch.testing.assert_close(p.scale, 0.3 * log_scale.exp(), rtol=0.05, atol=0)
    assert (p.loc == 0.5).all()


@pytest.mark.parametrize("levels", [2, 256, 65_536])
def test_the_scale_stays_between_a_sixteenth_of_a_level_and_a_hundred(levels: int):
    likelihood = DiscretizedLogistic((1,), levels=levels)
    narrow, wide = (
        likelihood(torch.tensor([[0.0, end]], dtype=torch.float64)).base_dist.scale.item()
        for end in (-1e4, 1e4)
    )
    assert narrow == pytest.approx(1 / 16 / (levels - 1)) and wide == pytest.approx(100)


def test_at_its_narrowest_a_level_at_the_center_is_nearly_certain():
    likelihood = DiscretizedLogistic((1,), levels=257)
    p = likelihood(torch.tensor([[0.0, -1e4]]))
    assert p.log_prob(torch.tensor([[0.5]])).exp().item() == pytest.approx(math.tanh(4), rel=1e-6)


def test_a_mixture_is_the_weighted_sum_of_its_components():
    likelihood = DiscretizedLogistic(IMAGE, levels=5, components=3)
    assert likelihood.parameter_shape == (18, 3, 4)
    logits, mu, log_scale = parameters = double(3, 5, 3, *IMAGE)
    p = likelihood(torch.cat([part.flatten(1, 2) for part in parameters], 1))
    x = random_levels(5, 5, *IMAGE)
    single = DiscretizedLogistic(IMAGE, levels=5)
    exact = torch.zeros_like(x)
    for i, middle in enumerate([1 / 6, 3 / 6, 5 / 6]):
        one = single(torch.cat([mu[:, i] + middle - 0.5, log_scale[:, i]], 1)).base_dist
        exact += logits.softmax(1)[:, i] * one.log_prob(x).exp()
    torch.testing.assert_close(p.base_dist.log_prob(x), exact.log())


@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("components", [1, 4])
def test_the_probabilities_of_a_value_sum_to_one(levels: int, components: int):
    likelihood = DiscretizedLogistic((1,), levels=levels, components=components)
    p = likelihood(4 * double(200, *likelihood.parameter_shape))
    total = p.log_prob((torch.arange(levels).double() / (levels - 1))[:, None, None]).exp().sum(0)
    torch.testing.assert_close(total, torch.ones(200, dtype=torch.float64), rtol=0, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("levels", [2, 256, 65_536])
@pytest.mark.parametrize("components", [1, 3])
def test_extreme_parameters_have_finite_values_and_gradients_for_any_levels(
    levels, components, dtype
):
    likelihood = DiscretizedLogistic(SHAPE, levels=levels, components=components)
    for extreme in (1.0, 100.0, 1e6):
        parameters = extreme * (torch.randint(0, 3, (50, *likelihood.parameter_shape)) - 1).to(
            dtype
        )
        log_prob = likelihood(parameters.requires_grad_()).log_prob(
            random_levels(levels, 50, *SHAPE).to(dtype)
        )
        (slope,) = torch.autograd.grad(log_prob.sum(), parameters)
        assert (
            torch.isfinite(log_prob).all() and torch.isfinite(slope).all() and (log_prob <= 0).all()
        )


# --- Both -----------------------------------------------------------------------------------------


@both
def test_it_accepts_integers_only_and_is_normalized(family):
    assert family.accepts == ("integers",)
    assert family(SHAPE, levels=17).not_normalized("integers") is None


@both
def test_in_half_precision_the_mass_is_computed_in_single(family):
    likelihood = family(SHAPE, levels=256)
    p = likelihood(torch.randn(5, *likelihood.parameter_shape, dtype=torch.bfloat16))
    assert (
        p.log_prob(random_levels(256, 5, *SHAPE).float()).dtype
        == p.mean.dtype
        == p.sample().dtype
        == torch.float32
    )


@both
def test_missing_levels_are_refused(family):
    with raises(ConfigError, "likelihood.levels"):
        family(SHAPE)


@both
@pytest.mark.parametrize("levels", [-3, 0, 1, 65_537, 10**400, 4.0, "256", True])
def test_levels_out_of_range_are_refused(family, levels):
    with raises(ConfigError, "likelihood.levels"):
        family(SHAPE, levels=levels)


@pytest.mark.parametrize("components", [0, -1, 101, 2.0, None])
def test_components_out_of_range_are_refused(components):
    with raises(ConfigError, "likelihood.components"):
        DiscretizedLogistic(SHAPE, levels=5, components=components)


# --- Likelihoods of the user's own ----------------------------------------------------------------


def test_a_likelihood_of_the_users_own_may_define_distribution():
    class Poisson(Categorical):
        def distribution(self, parameters: Tensor) -> torch.distributions.Poisson:  # type: ignore[override]
            assert parameters.shape == (5, 3, *SHAPE)
            return torch.distributions.Poisson(parameters.exp().sum(1), validate_args=False)

    p = Poisson(SHAPE, levels=3)(torch.zeros(5, 6, 3))
    assert p.event_shape == SHAPE and (p.mean == 3).all()
