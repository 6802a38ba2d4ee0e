import math

import mpmath
import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.discretized import Categorical, DiscretizedLogistic, nearest_level

LEVELS = [2, 5, 17, 256]
both_precisions = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["float32", "float64"]
)


def double(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def grid(levels: int) -> Tensor:
    return torch.arange(levels, dtype=torch.float64) / (levels - 1)


def logistic(levels: int, examples: int) -> DiscretizedLogistic:
    """Locations in and around [0, 1], scales from a hundredth of a level to all levels tenfold."""
    low = math.log(0.01 / (levels - 1))
    high = math.log(10)
    scale = torch.exp(low + (high - low) * torch.rand(examples, dtype=torch.float64))
    return DiscretizedLogistic(2 * torch.rand(examples, dtype=torch.float64) - 0.5, scale, levels)


def families(levels: int, examples: int = 300) -> list[Distribution]:
    return [logistic(levels, examples), Categorical(3 * double(examples, levels))]


def over_levels(p: Distribution, levels: int) -> tuple[Tensor, Tensor]:
    """The values and their probabilities, [L, 1] and [L, examples]."""
    x = grid(levels)[:, None]
    return x, p.log_prob(x).exp()


# --- Levels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [2, 3, 17, 256, 65_536])
def test_single_precision_keeps_every_level(levels: int):
    k = torch.arange(levels)
    assert torch.equal(nearest_level(k.float() / (levels - 1), levels).long(), k)
    assert torch.equal(nearest_level(grid(levels), levels).long(), k)


def test_values_between_and_outside_stand_for_the_nearest_level():
    assert nearest_level(torch.tensor([-3.0, -0.1, 0.12, 0.13, 0.6, 1.1, 9.0]), 5).tolist() == [
        0,
        0,
        0,
        1,
        2,
        4,
        4,
    ]


@pytest.mark.parametrize("p", families(5), ids=["logistic", "categorical"])
def test_the_support_is_the_levels(p: Distribution):
    assert p.support.is_discrete  # pyright: ignore[reportOptionalMemberAccess]
    inside = p.support.check(torch.tensor([0.0, 0.25, 1.0, 0.3, -0.25, 1.25]))  # pyright: ignore[reportOptionalMemberAccess]
    assert inside.tolist() == [True, True, True, False, False, False]


# --- Both families --------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", LEVELS)
def test_probabilities_sum_to_one(levels: int):
    for p in families(levels):
        _, probability = over_levels(p, levels)
        torch.testing.assert_close(
            probability.sum(0), torch.ones(300, dtype=torch.float64), rtol=0, atol=1e-11
        )


@pytest.mark.parametrize("levels", LEVELS)
def test_mean_and_variance_are_those_of_the_probabilities(levels: int):
    for p in families(levels):
        x, probability = over_levels(p, levels)
        mean = (x * probability).sum(0)
        torch.testing.assert_close(p.mean, mean, rtol=0, atol=1e-12)
        torch.testing.assert_close(
            p.variance, ((x - mean) ** 2 * probability).sum(0), rtol=1e-9, atol=1e-14
        )


@pytest.mark.parametrize("levels", [2, 5, 17])
def test_samples_are_levels_in_proportion(levels: int):
    draws = 20_000
    for p in families(levels, 40):
        x, probability = over_levels(p, levels)
        samples = p.sample(torch.Size((draws,)))
        assert samples.shape == (draws, 40)
        counted = torch.stack([(samples == value).double().mean(0) for value in x])
        torch.testing.assert_close(counted.sum(0), torch.ones(40, dtype=torch.float64))
        error = (probability * (1 - probability) / draws).sqrt()
        assert ((counted - probability).abs() < 6 * error + 2 / draws).all()


@both_precisions
def test_samples_are_whole_levels_at_any_precision(dtype: torch.dtype):
    p = DiscretizedLogistic(torch.tensor(0.5, dtype=dtype), torch.tensor(0.1, dtype=dtype), 256)
    for q in (p, Categorical(torch.zeros(256, dtype=dtype))):
        samples = q.sample(torch.Size((1000,)))
        assert samples.dtype == dtype
        assert torch.equal(nearest_level(samples, 256) / 255, samples)


def test_expanding_repeats_the_parameters():
    x = torch.tensor(0.25, dtype=torch.float64)
    for p in families(5):
        q = p.expand(torch.Size((4, 300)))
        assert q.batch_shape == (4, 300) and q.sample(torch.Size((2,))).shape == (2, 4, 300)
        torch.testing.assert_close(q.log_prob(x)[3], p.log_prob(x))
        torch.testing.assert_close(q.mean[3], p.mean)


# --- Categorical ----------------------------------------------------------------------------------


def test_the_slope_of_a_categorical_is_the_one_hot_value_minus_the_probabilities():
    logits = double(40, 7).requires_grad_()
    level = torch.randint(0, 7, (40,))
    (slope,) = torch.autograd.grad(Categorical(logits).log_prob(level.double() / 6).sum(), logits)
    torch.testing.assert_close(slope, torch.eye(7, dtype=torch.float64)[level] - logits.softmax(-1))


def test_a_categorical_takes_values_of_any_shape_that_broadcasts():
    p = Categorical(double(4, 1, 6))
    level = torch.randint(0, 6, (3, 1, 5))
    together = p.log_prob(level / 5)
    assert together.shape == (3, 4, 5)
    log_p = p.logits[:, 0].log_softmax(-1)
    torch.testing.assert_close(together, log_p[:, level[:, 0]].movedim(0, 1))


# --- Discretized logistic -------------------------------------------------------------------------


def exact(loc: Tensor, scale: Tensor, level: int, levels: int) -> float:
    """log p by its definition, with enough digits for exp(-3200)."""
    with mpmath.workdps(1500):
        m = mpmath.mpf(loc.item())
        s = mpmath.mpf(scale.item())
        up_to = [
            1 / (1 + mpmath.exp((m - (level + half) / mpmath.mpf(levels - 1)) / s))
            for half in (-0.5, 0.5)
        ]
        return float(
            mpmath.log((1 if level == levels - 1 else up_to[1]) - (0 if level == 0 else up_to[0]))
        )


CASES = [  # distance of the location from the level, and scale, both in levels
    (away, scale)
    for away in (0.0, 0.25, -0.5, 0.5, -1.0, 3.0, -40.0, 200.0)
    for scale in (1 / 16, 0.3, 1.0, 30.0, 1e4, 1e7)
]


@both_precisions
@pytest.mark.parametrize(
    ("level", "levels"),
    [(0, 256), (1, 256), (77, 256), (254, 256), (255, 256), (0, 2), (1, 2), (3, 5)],
)
def test_log_prob_is_exact_near_and_far_narrow_and_wide(
    level: int, levels: int, dtype: torch.dtype
):
    away, scale = torch.tensor(CASES, dtype=torch.float64).unbind(-1)
    p = DiscretizedLogistic(
        ((level + away) / (levels - 1)).to(dtype), (scale / (levels - 1)).to(dtype), levels
    )
    ours = p.log_prob(torch.tensor(level / (levels - 1), dtype=dtype))
    expected = torch.tensor(
        [exact(*row, level, levels) for row in zip(p.loc, p.scale, strict=True)], dtype=dtype
    )
    single = dtype == torch.float32
    # a location in float32 is known to 2^-16 of 256 levels, hence to 2^-12 of the narrowest scale
    torch.testing.assert_close(
        ours, expected, rtol=2e-6 if single else 1e-13, atol=3e-4 if single else 1e-12
    )


@pytest.mark.parametrize("levels", LEVELS)
def test_the_first_and_last_level_take_the_tails(levels: int):
    loc = torch.linspace(-3, 4, 200, dtype=torch.float64)
    first, last = DiscretizedLogistic(loc, torch.tensor(0.05), levels).log_prob(
        torch.tensor([[0.0], [1.0]])
    )
    assert (first.diff() < 0).all() and (last.diff() > 0).all()
    assert first[0].item() == pytest.approx(0, abs=1e-12) and last[-1].item() == pytest.approx(
        0, abs=1e-12
    )
    torch.testing.assert_close(first, last.flip(0))  # a logistic mirrors at its center


def test_probabilities_fall_on_both_sides_of_the_location():
    log_p = DiscretizedLogistic(
        torch.tensor(100 / 255).double(), torch.tensor(0.03).double(), 256
    ).log_prob(grid(256))
    assert (log_p[1:101].diff() > 0).all() and (log_p[100:255].diff() < 0).all()
    assert log_p[0] > log_p[1] and log_p[255] > log_p[254]


@pytest.mark.parametrize("levels", [2, 17, 65_536])
def test_extreme_parameters_stay_finite_in_single_precision(levels: int):
    loc = torch.tensor([-1e4, -1.0, 0.0, 0.5, 1.0, 2.0, 1e4]).requires_grad_()
    scale = (torch.tensor([[1e-3], [1 / 16], [1.0], [1e7]]) / (levels - 1)).requires_grad_()
    log_p = DiscretizedLogistic(loc, scale, levels).log_prob(grid(17).float()[:, None, None])
    slopes = torch.autograd.grad(log_p.sum(), [loc, scale])
    assert torch.isfinite(log_p).all() and (log_p <= 0).all()
    assert all(torch.isfinite(slope).all() for slope in slopes)


def test_slopes_are_those_of_the_definition():
    p = logistic(17, 300)
    loc = p.loc.clone().requires_grad_()
    scale = p.scale.clone().clamp(min=0.02).requires_grad_()
    x = torch.randint(0, 17, (300,)).double() / 16
    q = DiscretizedLogistic(loc, scale, 17)
    slopes = torch.autograd.grad(q.log_prob(x).sum(), [loc, scale])
    for slope, nudged in zip(slopes, [(1e-6, 0.0), (0.0, 1e-6)], strict=True):
        up, down = (
            DiscretizedLogistic(
                loc.detach() + sign * nudged[0], scale.detach() + sign * nudged[1], 17
            ).log_prob(x)
            for sign in (1, -1)
        )
        torch.testing.assert_close(slope, (up - down) / 2e-6, rtol=1e-4, atol=1e-4)


def test_moments_in_single_precision_keep_a_narrow_logistic_far_from_zero():
    p = DiscretizedLogistic(torch.tensor([0.9, 0.5, 1.7]), torch.tensor([1e-3, 2e-4, 1e-3]), 1001)
    exactly = DiscretizedLogistic(p.loc.double(), p.scale.double(), 1001)
    torch.testing.assert_close(p.mean.double(), exactly.mean, rtol=0, atol=1e-6)
    torch.testing.assert_close(p.variance.double(), exactly.variance, rtol=2e-3, atol=1e-12)
