import math

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli

from raising import raises
from vaekit.core.codebook import Codebook, IndependentCodes
from vaekit.core.distributions import ContinuousBernoulli, Delta, point_estimate, soft_clamp
from vaekit.errors import ConfigError

SWITCHES = [0.1, 0.3, 1e-6]
"""Where the series of log_prob, of mean and variance, and of rsample end."""
AROUND = [side * (1 + nudge) for side in SWITCHES for nudge in (-1e-9, 0.0, 1e-9)]
LOGITS = [*AROUND, 1e-12, 1e-4, 0.01, 0.05, 0.2, 1.0, 7.0, 40.0]


def double(values) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)


@pytest.fixture
def digits():
    with mpmath.workdps(60):
        yield


@pytest.fixture
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


# --- soft_clamp -----------------------------------------------------------------------------------


def test_soft_clamp_is_the_identity_well_inside():
    x = double(range(-60, 61))
    torch.testing.assert_close(soft_clamp(x, -100.0, 100.0), x, rtol=0, atol=1e-13)


def test_soft_clamp_is_off_by_exp_minus_the_distance():
    x = double([-8.0, -5.0, 0.0, 3.0, 7.0])
    off = soft_clamp(x, -10.0, 10.0) - x
    torch.testing.assert_close(
        off, torch.log1p(torch.exp(-10 - x)) - torch.log1p(torch.exp(x - 10)), rtol=0, atol=1e-14
    )


@pytest.mark.usefixtures("digits")
def test_soft_clamp_in_double_precision_is_exact():
    for x in [
        -300.0,
        -60.0,
        -59.9,
        -40.0,
        -21.0,
        -20.0,
        -19.0,
        0.3,
        19.9,
        20.0,
        39.0,
        41.0,
        60.1,
        300.0,
    ]:
        a = mpmath.mpf(x)
        exact = -20 + mpmath.log1p(mpmath.exp(a + 20)) - mpmath.log1p(mpmath.exp(a - 20))
        assert soft_clamp(double(x), -20.0, 20.0).item() == pytest.approx(
            float(exact), rel=0, abs=2e-13
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(x=st.floats(-1e30, 1e30) | st.floats(-100, 100))
def test_soft_clamp_stays_within_and_keeps_the_order(x: float, dtype: torch.dtype):
    at, beyond = soft_clamp(
        torch.tensor([x, x + abs(x) / 8 + 1], dtype=dtype), -20.0, 10.0
    ).tolist()
    rounding = 1e-5 if dtype == torch.float32 else 1e-12
    assert -20 - rounding <= at <= beyond + rounding <= 10 + 2 * rounding


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_soft_clamp_ends_at_the_bounds(dtype: torch.dtype):
    x = torch.tensor([-math.inf, -1e30, -1e9, -1e4, 1e4, 1e9, 1e30, math.inf], dtype=dtype)
    torch.testing.assert_close(soft_clamp(x, -20.0, 10.0).tolist(), [-20.0] * 4 + [10.0] * 4)


def test_soft_clamp_never_stops_the_gradient_at_once():
    x = torch.linspace(-50, 40, 400, dtype=torch.float64, requires_grad=True)
    y = soft_clamp(x, -20.0, 10.0)
    y.sum().backward()
    assert x.grad is not None
    exact = torch.sigmoid(x + 20) - torch.sigmoid(x - 10)
    assert (x.grad > 0).all()
    torch.testing.assert_close(x.grad, exact, rtol=0, atol=1e-15)


# --- ContinuousBernoulli against higher precision -------------------------------------------------


def exact_log_normalizer(a: float) -> float:
    m = mpmath.mpf(a)
    return float(mpmath.log(m / mpmath.tanh(m / 2))) if a else math.log(2)


def exact_mean(a: float) -> float:
    m = mpmath.mpf(a)
    return float(1 / (1 - mpmath.exp(-m)) - 1 / m) if a else 0.5


def exact_variance(a: float) -> float:
    m = mpmath.mpf(a)
    return float(1 / m**2 - 1 / (4 * mpmath.sinh(m / 2) ** 2)) if a else 1 / 12


BOTH_SIGNS = sorted({0.0, *LOGITS, *(-a for a in LOGITS), 100.0, -100.0, 1e4, -1e4})


@pytest.mark.usefixtures("digits")
@pytest.mark.parametrize("x", [0.0, 0.25, 1.0])
def test_log_prob_is_exact_on_both_sides_of_the_switch(x: float):
    ours = ContinuousBernoulli(double(BOTH_SIGNS)).log_prob(double(x))
    exact = [
        float(x * mpmath.mpf(a) - mpmath.log1p(mpmath.exp(a))) + exact_log_normalizer(a)
        for a in BOTH_SIGNS
    ]
    torch.testing.assert_close(ours, double(exact), rtol=2e-15, atol=5e-13)


@pytest.mark.usefixtures("digits")
def test_mean_and_variance_are_exact_on_both_sides_of_the_switch():
    p = ContinuousBernoulli(double(BOTH_SIGNS))
    torch.testing.assert_close(
        p.mean, double([exact_mean(a) for a in BOTH_SIGNS]), rtol=1e-12, atol=1e-12
    )
    torch.testing.assert_close(
        p.variance, double([exact_variance(a) for a in BOTH_SIGNS]), rtol=2e-10, atol=1e-14
    )


@pytest.mark.usefixtures("digits")
def test_single_precision_loses_no_more_than_rounding():
    p = ContinuousBernoulli(torch.tensor(BOTH_SIGNS))
    x = 0.25
    exact = [
        float(x * mpmath.mpf(a) - mpmath.log1p(mpmath.exp(a))) + exact_log_normalizer(a)
        for a in BOTH_SIGNS
    ]
    torch.testing.assert_close(
        p.log_prob(torch.tensor(x)), torch.tensor(exact), rtol=1e-6, atol=2e-6
    )
    torch.testing.assert_close(
        p.mean, torch.tensor([exact_mean(a) for a in BOTH_SIGNS]), rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(
        p.variance, torch.tensor([exact_variance(a) for a in BOTH_SIGNS]), rtol=1e-4, atol=1e-6
    )


def test_moderate_logits_agree_with_torch():
    logits = torch.linspace(-8, 8, 33, dtype=torch.float64)
    x = torch.linspace(0, 1, 11, dtype=torch.float64)[:, None]
    ours = ContinuousBernoulli(logits)
    theirs = TorchContinuousBernoulli(logits=logits)
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x), rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.mean, theirs.mean, rtol=0, atol=1e-6)
    torch.testing.assert_close(ours.variance, theirs.variance, rtol=0, atol=1e-5)


# --- Gradients ------------------------------------------------------------------------------------


def gradient(of, logits: Tensor) -> Tensor:
    logits = logits.detach().requires_grad_()
    return torch.autograd.grad(of(ContinuousBernoulli(logits)).sum(), logits)[0]


def test_the_score_is_the_value_minus_the_mean():
    logits = double(BOTH_SIGNS)
    x = double(0.25)  # d/da log p(x) = x - E[x] for an exponential family, at logit 0 too
    score = gradient(lambda p: p.log_prob(x), logits)
    torch.testing.assert_close(score, x - ContinuousBernoulli(logits).mean, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_of_the_mean_is_the_variance(dtype: torch.dtype):
    logits = double([0.0, 1e-8, 0.1, -0.29, 0.31, -5.0, 50.0, -200.0, 1e4, -1e4]).to(dtype)
    torch.testing.assert_close(
        gradient(lambda p: p.mean, logits),
        ContinuousBernoulli(logits).variance,
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_have_finite_gradients_at_any_logit(dtype: torch.dtype):
    logits = torch.tensor([0.0, 1e-9, -1e-6, 1e-6, 0.1, -3.0, 30.0, -90.0, 1e4, -1e4], dtype=dtype)
    slope = gradient(lambda p: p.rsample((2000,)), logits)
    assert torch.isfinite(slope).all() and (slope >= 0).all()
    assert slope[0].item() == pytest.approx(
        2000 / 12, rel=0.1
    )  # d/da F^-1(u) at 0 is u (1 - u) / 2, a twelfth on average


# --- Samples --------------------------------------------------------------------------------------


def distribution_function(x: Tensor, a: float) -> Tensor:
    return x if a == 0 else torch.expm1(a * x) / math.expm1(a)


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("logit", [0.0, 5e-7, 0.05, -0.5, 3.0, -12.0, 60.0, -60.0])
def test_samples_follow_the_distribution_function(logit: float):
    count = 20_000
    x = ContinuousBernoulli(double(logit)).sample(torch.Size((count,))).sort().values
    steps = torch.arange(1, count + 1) / count
    distance = (distribution_function(x, logit) - steps).abs().max().item()
    assert distance < 1.95 / math.sqrt(count)  # Kolmogorov and Smirnov's bound at 0.1 %
    assert x[0] >= 0 and x[-1] <= 1


@pytest.mark.usefixtures("seeded")
def test_samples_at_the_limits_stay_in_the_interval():
    x = ContinuousBernoulli(torch.tensor([-1e4, 1e4, 1e30, -1e30])).rsample((1000,))
    assert torch.isfinite(x).all() and (x >= 0).all() and (x <= 1).all()
    assert (x[:, 0] < 0.01).all() and (x[:, 1] > 0.99).all()


def test_expanding_repeats_the_logits():
    p = ContinuousBernoulli(double([0.5, -2.0])).expand(torch.Size((3, 2)))
    assert p.batch_shape == (3, 2) and p.rsample((4,)).shape == (4, 3, 2)
    torch.testing.assert_close(p.mean[2], ContinuousBernoulli(double([0.5, -2.0])).mean)


# --- All mass on one point ------------------------------------------------------------------------


def test_every_sample_of_a_delta_is_its_point_and_carries_its_gradient():
    at = double([[1.0, -2.0, 0.5], [0.0, 3.0, 4.0]]).requires_grad_()
    q = Delta(at, 1)
    assert (q.batch_shape, q.event_shape, q.has_rsample) == ((2,), (3,), True)
    z = q.rsample((4, 5))
    assert torch.equal(z, at.expand(4, 5, 2, 3)) and not q.sample().requires_grad
    z.sum().backward()
    torch.testing.assert_close(at.grad, torch.full_like(at, 20.0))


@pytest.mark.parametrize(
    ("dims", "batch", "event"), [(0, (2, 3, 4), ()), (1, (2, 3), (4,)), (3, (), (2, 3, 4))]
)
def test_a_delta_splits_its_point_into_batch_and_event(dims: int, batch, event):
    at = torch.arange(24.0).reshape(2, 3, 4)
    q = Delta(at, dims)
    assert (q.batch_shape, q.event_shape) == (batch, event)
    assert torch.equal(q.mean, at) and torch.equal(q.variance, torch.zeros(2, 3, 4))
    assert q.support.event_dim == dims and not q.support.is_discrete


def test_a_delta_has_no_density():
    with raises(ConfigError, "posterior"):
        Delta(double([1.0]), 1).log_prob(double([1.0]))


def test_the_point_of_a_continuous_distribution_is_its_mean():
    normal = Independent(Normal(double([[1.0, 2.0]]), double([[3.0, 4.0]])), 1)
    for q in (normal, Delta(double([[1.0, 2.0]]), 1)):
        assert torch.equal(point_estimate(q), double([[1.0, 2.0]]))


def test_the_point_of_a_discrete_distribution_is_its_mode():
    codes = Codebook(torch.eye(3, dtype=torch.float64), 2)
    q = IndependentCodes(codes, double([[[0.0, 1.0, 0.5], [2.0, 0.0, 0.0]]]))
    assert point_estimate(q).tolist() == [[0, 1, 0, 1, 0, 0]]
    bernoulli = Independent(Bernoulli(double([[0.2, 0.9]])), 1)
    assert point_estimate(bernoulli).tolist() == [[0, 1]]
