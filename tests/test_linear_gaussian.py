"""The oracle: a VAE whose log p(x) and true posterior are known exactly.

x = W z + b + s eps with orthogonal columns of W, so p(x) = N(b, W W' + s^2 I), and p(z|x) is a
diagonal normal with a mean linear in x and constant variance, which linear parts can represent.
"""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from vaekit import ELBO, evaluation, likelihoods, nets, posteriors, priors
from vaekit.core.distributions import soft_clamp
from vaekit.core.vae import VAE
from vaekit.data import Transform
from vaekit.evaluation import (
    Metric,
    ais_bound,
    elbo_per_example,
    importance_weighted_bound,
)
from vaekit.inputs import ModelInputs
from vaekit.runtime.distributed import ProcessInfo

pytestmark = pytest.mark.slow

D = 6
L = 2
S = 0.4
EXAMPLES = 12

random = np.random.default_rng(7)
W = torch.from_numpy(np.linalg.qr(random.normal(size=(D, L)))[0]) * torch.tensor(
    [1.5, 0.6], dtype=torch.float64
)
B = torch.from_numpy(random.normal(size=D))
X = (
    torch.from_numpy(random.normal(size=(EXAMPLES, L))) @ W.T
    + B
    + S * torch.from_numpy(random.normal(size=(EXAMPLES, D)))
)

VARIANCE = 1 / (1 + W.square().sum(0) / S**2)
TRUTH = MultivariateNormal(B, W @ W.T + S**2 * torch.eye(D, dtype=torch.float64)).log_prob(X)
"""log p(x) of every example, by a formula independent of the model."""
TRUE_POSTERIOR = Independent(Normal((X - B) @ W / S**2 * VARIANCE, VARIANCE.sqrt()), 1)

SHIFT = torch.tensor([0.5, -1.0], dtype=torch.float64)
"""Offset of the wrong posterior in mu."""
WIDER = 0.8
"""Offset of the wrong posterior in log sigma^2."""


def linear_model(shift: Tensor | float = 0.0, wider: float = 0.0) -> VAE:
    """A model with the exact posterior, or one with offsets in mean and log-variance."""
    model = VAE(
        encoder=nets.MLPEncoder((D,), L, hidden=()),
        posterior=posteriors.DiagonalNormal(D, L),
        prior=priors.StandardNormal(L),
        decoder=nets.MLPDecoder(L, (D,), hidden=()),
        likelihood=likelihoods.Gaussian((D,), scale=S),
    ).double()
    (decoder,) = (layer for layer in model.decoder.modules() if isinstance(layer, nn.Linear))
    mu, log_var = (getattr(model.posterior, name) for name in ("mu", "log_var"))
    with torch.no_grad():
        decoder.weight.copy_(W)
        decoder.bias.copy_(B)
        mu.weight.copy_(VARIANCE[:, None] * W.T / S**2)
        mu.bias.copy_(-mu.weight @ B + shift)
        log_var.weight.zero_()
        log_var.bias.copy_(before_the_clamp(VARIANCE.log() + wider))
    return model


def before_the_clamp(log_var: Tensor) -> Tensor:
    """What the posterior's smooth bound turns into exactly this log-variance."""
    raw = log_var.clone()
    for _ in range(20):
        raw += log_var - soft_clamp(raw, -20.0, 20.0)
    return raw


# --- The bound ------------------------------------------------------------------------------------


def test_the_oracle_is_exact():
    q = linear_model().encode(X)
    torch.testing.assert_close(q.mean, TRUE_POSTERIOR.mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(q.variance, VARIANCE.expand(EXAMPLES, L), rtol=0, atol=1e-12)
    precision = torch.eye(L, dtype=torch.float64) + W.T @ W / S**2
    torch.testing.assert_close(precision.inverse(), torch.diag(VARIANCE), rtol=0, atol=1e-12)


def test_at_the_true_posterior_every_sample_gives_log_p_x():
    terms = ELBO(samples=50, divergence="monte-carlo")(linear_model(), X)
    assert terms.log_prior is not None and terms.log_posterior is not None
    each = terms.log_likelihood + terms.log_prior - terms.log_posterior
    torch.testing.assert_close(each, TRUTH.expand(50, EXAMPLES), rtol=0, atol=1e-8)
    torch.testing.assert_close(terms.elbo, TRUTH, rtol=0, atol=1e-8)
    torch.testing.assert_close(terms.loss, -TRUTH.mean(), rtol=0, atol=1e-8)


@pytest.mark.parametrize("divergence", ["closed-form", "monte-carlo"])
@pytest.mark.parametrize(
    ("shift", "wider"), [(0.0, 0.0), (SHIFT, 0.0), (0.0, WIDER), (SHIFT, WIDER), (-SHIFT, -WIDER)]
)
def test_the_gap_of_the_bound_is_the_divergence_from_the_true_posterior(
    shift, wider: float, divergence
):
    model = linear_model(shift, wider)
    draws = 20_000
    terms = ELBO(samples=draws, divergence=divergence)(model, X)
    gap = kl_divergence(model.encode(X), TRUE_POSTERIOR)
    estimate = terms.log_likelihood
    if terms.log_prior is not None and terms.log_posterior is not None:
        estimate = estimate + terms.log_prior - terms.log_posterior
    error = 5 * estimate.std(0) / math.sqrt(draws) + 1e-9
    assert ((TRUTH - terms.elbo - gap).abs() < error).all()
    if wider:
        assert (gap > 3 * error).all()  # a missing term would be visible


# --- Its gradient ---------------------------------------------------------------------------------


def exact_elbo(model: VAE) -> Tensor:
    """The exact ELBO of the linear-Gaussian model as a function of its parameters."""
    (decoder,) = (layer for layer in model.decoder.modules() if isinstance(layer, nn.Linear))
    weights = dict(model.posterior.named_parameters())
    mu = X @ weights["mu.weight"].T + weights["mu.bias"]
    log_var = soft_clamp(X @ weights["log_var.weight"].T + weights["log_var.bias"], -20.0, 20.0)
    misfit = (X - mu @ decoder.weight.T - decoder.bias).square().sum(
        -1
    ) + log_var.exp() @ decoder.weight.square().sum(0)
    reconstruction = misfit / (2 * S**2) + D / 2 * math.log(2 * math.pi * S**2)
    divergence = -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum(-1)
    return -reconstruction - divergence


@pytest.mark.parametrize("divergence", ["closed-form", "monte-carlo"])
def test_the_gradient_is_unbiased(divergence):
    model = linear_model(SHIFT, WIDER)
    draws = 1500
    parameters = list(model.parameters())
    exact = torch.autograd.grad(-exact_elbo(model).mean(), parameters)
    objective = ELBO(samples=4, divergence=divergence)
    gradients = [torch.autograd.grad(objective(model, X).loss, parameters) for _ in range(draws)]
    for right, each in zip(exact, zip(*gradients, strict=True), strict=True):
        estimates = torch.stack(each)
        error = 5 * estimates.std(0) / math.sqrt(draws) + 1e-9
        assert ((estimates.mean(0) - right).abs() < error).all()
        assert (right.abs() > 10 * error).any()  # a missing factor would be visible


# --- Evaluation -----------------------------------------------------------------------------------

INPUTS = ModelInputs(X.numpy(), Transform("real"))


@pytest.mark.parametrize("samples", [1, 7, 99])
@pytest.mark.parametrize("values", [1, D * 40, 2**24])
def test_at_the_true_posterior_any_number_of_samples_in_any_chunks_gives_log_p_x(
    monkeypatch, samples: int, values: int
):
    monkeypatch.setattr("vaekit.inference.bounds.MAX_VALUES", values)
    bound = importance_weighted_bound(linear_model(), INPUTS, samples)
    torch.testing.assert_close(bound, TRUTH, rtol=0, atol=1e-8)


def bounds(samples: int, seeds: int) -> tuple[float, float]:
    """The mean gap of the bound to log p(x) at the wrong posterior, and its standard error."""
    model = linear_model(SHIFT, WIDER)
    gaps = torch.stack(
        [
            TRUTH - importance_weighted_bound(model, INPUTS, samples, seed=seed)
            for seed in range(seeds)
        ]
    )
    return gaps.mean().item(), gaps.std().item() / math.sqrt(gaps.numel())


def test_the_importance_weighted_bound_rises_to_log_p_x():
    gaps = {samples: bounds(samples, seeds=400) for samples in (1, 10, 100, 1000)}
    for (gap, error), (next_gap, next_error) in zip(
        list(gaps.values())[:-1], list(gaps.values())[1:], strict=True
    ):
        assert gap - next_gap > 3 * math.hypot(error, next_error)
    assert all(gap > -5 * error for gap, error in gaps.values())
    assert gaps[1000][0] < 0.01
    elbo_gap = kl_divergence(linear_model(SHIFT, WIDER).encode(X), TRUE_POSTERIOR).mean().item()
    assert abs(gaps[1][0] - elbo_gap) < 5 * gaps[1][1]  # one sample is the ELBO


def test_chunks_do_not_change_the_bound(monkeypatch):
    complete, error = bounds(10, seeds=60)
    monkeypatch.setattr(
        "vaekit.inference.bounds.MAX_VALUES", D * 7
    )  # one example at a time, 7 samples and then 3
    chunked, chunked_error = bounds(10, seeds=60)
    assert complete > 8 * error
    assert abs(complete - chunked) < 5 * math.hypot(error, chunked_error)


def test_the_bound_is_a_function_of_its_seed():
    model = linear_model(SHIFT, WIDER)
    first, again, other = (
        importance_weighted_bound(model, INPUTS, 5, seed=seed) for seed in (3, 3, 4)
    )
    assert (first == again).all() and (first != other).all()


def test_the_elbo_per_example_is_exact_in_its_divergence_and_unbiased_in_its_reconstruction():
    model = linear_model(SHIFT, WIDER)
    draws = 20_000
    per_example = elbo_per_example(model, INPUTS, samples=draws)
    q = model.encode(X)
    exact = 0.5 * (q.variance + q.mean.square() - 1 - q.variance.log())
    torch.testing.assert_close(per_example.divergence, exact, rtol=0, atol=1e-10)
    spread = -model.decode(q.sample(torch.Size((draws,)))).log_prob(X).std(0)
    assert (
        (per_example.loss + exact_elbo(model)).abs() < 5 * spread.abs() / math.sqrt(draws)
    ).all()


def test_the_sums_of_the_elbo_do_not_depend_on_the_number_of_processes():
    model = linear_model(SHIFT, WIDER)
    per_example = elbo_per_example(model, INPUTS)
    terms = (per_example.loss, per_example.reconstruction, per_example.divergence)
    exact = torch.stack([*(term.sum() for term in terms), torch.tensor(float(len(X)))])
    for processes in (1, 2, 7, 2000):
        sums = [
            evaluation.elbo_sums(model, INPUTS, ProcessInfo(rank, processes))
            for rank in range(processes)
        ]
        torch.testing.assert_close(torch.stack(sums).sum(0), exact.double(), rtol=1e-12, atol=0)


def test_means_have_a_standard_error():
    values = torch.tensor([1.0, 2.0, 3.0, 6.0])
    metric = Metric.mean_of(values)
    assert metric.value == pytest.approx(3.0)
    assert metric.standard_error == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 3 / 4))
    assert Metric.mean_of(values[:2]).standard_error == pytest.approx(0.5)
    assert Metric.mean_of(values[:1]) == Metric(1.0, None)


# --- Annealing ------------------------------------------------------------------------------------

FAR = {"shift": 3 * SHIFT, "wider": -1.5}
"""Offsets of a posterior far from the true one, and too narrow to reach it."""


def test_annealing_in_one_step_is_the_importance_weighted_bound():
    model = linear_model(SHIFT, WIDER)
    annealed = ais_bound(model, INPUTS, steps=1, chains=7, seed=3)
    torch.testing.assert_close(
        annealed.bound, importance_weighted_bound(model, INPUTS, 7, seed=3), rtol=0, atol=1e-12
    )
    assert annealed.acceptance is None


def test_annealing_reaches_log_p_x_if_the_posterior_does_not():
    model = linear_model(**FAR)
    annealed = ais_bound(model, INPUTS, steps=200, chains=100)
    assert (annealed.bound - TRUTH).mean().abs() < 0.1
    assert (importance_weighted_bound(model, INPUTS, 1000) - TRUTH).mean() < -0.5
    assert 0.5 < annealed.acceptance < 0.8


@pytest.mark.parametrize("steps", [2, 5, pytest.param(20, marks=pytest.mark.nightly)])
def test_annealed_weights_are_unbiased_for_any_number_of_steps(steps):
    model = linear_model(0.5 * SHIFT, 0.3)
    options = {"steps": steps, "chains": 100}
    draws = [ais_bound(model, INPUTS, seed=seed, **options).bound for seed in range(60)]
    ratio = (torch.stack(draws) - TRUTH).exp().flatten()
    error = ratio.std() / len(ratio) ** 0.5
    assert abs(ratio.mean() - 1) < 5 * error and error < 0.02


@pytest.mark.nightly
def test_annealing_rises_with_its_steps_and_stays_below():
    bounds = [
        ais_bound(linear_model(**FAR), INPUTS, steps=steps, chains=10).bound - TRUTH
        for steps in (1, 10, 100, 400)
    ]
    means = [bound.mean().item() for bound in bounds]
    assert means == sorted(means)
    assert all(bound.mean() < 5 * bound.std() / EXAMPLES**0.5 for bound in bounds)


def test_annealing_leaves_the_model_as_it_was():
    model = linear_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    ais_bound(model.train(), INPUTS, steps=3, chains=2)
    assert model.training and all(p.grad is None and p.requires_grad for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
