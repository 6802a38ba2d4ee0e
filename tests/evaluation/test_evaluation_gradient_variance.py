"""The variance of the encoder's gradient: known by hand, zero without noise, larger for the score function."""

import numpy as np
import pytest
import torch

from vaekit import ELBO, likelihoods, nets, posteriors, priors
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.evaluation import gradient_variance
from vaekit.objectives import DivergenceOnly

X, SLOPE, WEIGHT, SCALE = 1.5, 0.8, 0.7, 0.5


def line() -> VAE:
    """q(z given x) = N(SLOPE x, 1), p(x given z) = N(WEIGHT z, SCALE^2), of one number each."""
    model = VAE(
        nets.MLPEncoder((1,), 1, hidden=()),
        posteriors.DiagonalNormal(1, 1),
        priors.StandardNormal(1),
        nets.MLPDecoder(1, (1,), hidden=()),
        likelihoods.Gaussian((1,), scale=SCALE),
    ).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.posterior.mu.weight.fill_(SLOPE)
        model.decoder.layers[0].weight.fill_(WEIGHT)
    return model


def small(seed: int = 0) -> VAE:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return VAE(
            nets.MLPEncoder((6,), 2, hidden=(8,)),
            posteriors.DiagonalNormal(8, 2),
            priors.StandardNormal(2),
            nets.MLPDecoder(2, (6,), hidden=(8,)),
            likelihoods.Gaussian((6,), scale=0.3),
        )


def rows(count: int = 16) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((count, 6), dtype=np.float32))


def test_the_variance_of_the_pathwise_gradient_is_what_it_is_by_hand():
    """With z = m + eps the gradient in m is g = -w (r - w eps) / s^2, r = x - w m, and that in log sigma^2 is g eps / 2.

    Var g = w^4 / s^4, Var(g eps / 2) = (w^2 r^2 + 2 w^4) / (4 s^4); weight and bias see x and 1 times each.
    """
    r = X - WEIGHT * SLOPE * X
    of_mean, of_log_variance = (
        WEIGHT**4 / SCALE**4,
        (WEIGHT**2 * r**2 + 2 * WEIGHT**4) / (4 * SCALE**4),
    )
    known = (1 + X**2) * (of_mean + of_log_variance)
    x = torch.tensor([[X]], dtype=torch.float64)
    estimates = np.array(
        [gradient_variance(line(), ELBO(), x, draws=40, seed=seed).variance for seed in range(9)]
    )
    error = estimates.std(ddof=1) / np.sqrt(len(estimates))
    assert abs(estimates.mean() - known) < 4 * error
    assert error < 0.2 * known


def test_it_is_the_sample_variance_of_the_gradients_it_draws():
    seen, x = [], rows()

    def objective(model, x, **_):
        terms = ELBO()(model, x)
        parameters = [*model.encoder.parameters(), *model.posterior.parameters()]
        gradients = torch.autograd.grad(terms.loss, parameters, retain_graph=True)
        seen.append(torch.cat([g.flatten() for g in gradients]).double())
        return terms

    found = gradient_variance(small(), objective, x, draws=7)
    gradients = torch.stack(seen)
    assert found.variance == pytest.approx(gradients.var(0).sum().item(), rel=1e-9)
    assert found.squared_norm == pytest.approx(gradients.mean(0).square().sum().item(), rel=1e-9)


def test_without_noise_there_is_none():
    model, x = small(), rows()
    found = gradient_variance(model, DivergenceOnly(), x, draws=5)
    assert found.variance == 0
    DivergenceOnly()(model, x).loss.backward()
    exact = sum(
        p.grad.double().square().sum()
        for part in (model.encoder, model.posterior)
        for p in part.parameters()
    )
    assert found.squared_norm == pytest.approx(exact.item(), rel=1e-6)


def test_the_score_function_varies_more_than_the_path():
    path, score = (
        gradient_variance(small(), ELBO(gradient=name), rows())
        for name in ("pathwise", "score-function")
    )
    assert score.variance > 3 * path.variance


def test_more_samples_vary_less_and_equal_seeds_alike():
    model, x = small(), rows()
    assert (
        gradient_variance(model, ELBO(samples=20), x).variance
        < gradient_variance(model, ELBO(), x).variance / 10
    )
    assert gradient_variance(model, ELBO(), x, draws=3) == gradient_variance(
        model, ELBO(), x, draws=3
    )
    assert gradient_variance(model, ELBO(), x, draws=3) != gradient_variance(
        model, ELBO(), x, draws=3, seed=1
    )


def test_the_model_is_left_as_it_was():
    model = small()
    gradient_variance(model, ELBO(), rows(), draws=2)
    assert all(p.grad is None for p in model.parameters())
    assert model.training


def test_one_draw_has_no_variance():
    with pytest.raises(ConfigError, match="draws = 1: at least 2"):
        gradient_variance(small(), ELBO(), rows(), draws=1)
