"""The variance of the encoder's gradient: by hand, without noise, and by estimator."""

import numpy as np
import pytest
import torch

from raising import raises
from vaekit import ELBO, build, likelihoods, nets, posteriors, priors
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.evaluation import gradient_variance
from vaekit.objectives import DivergenceOnly

X = 1.5
SLOPE = 0.8
WEIGHT = 0.7
SCALE = 0.5


def scalar_model() -> VAE:
    """q(z|x) = N(SLOPE x, 1) and p(x|z) = N(WEIGHT z, SCALE^2) of scalars."""
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


def small_model(seed: int = 0) -> VAE:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return VAE(
            nets.MLPEncoder((6,), 2, hidden=(8,)),
            posteriors.DiagonalNormal(8, 2),
            priors.StandardNormal(2),
            nets.MLPDecoder(2, (6,), hidden=(8,)),
            likelihoods.Gaussian((6,), scale=0.3),
        )


def examples(count: int = 16) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((count, 6), dtype=np.float32))


def test_the_variance_of_the_pathwise_gradient_is_that_computed_by_hand():
    """With z = m + eps, the gradient in m is g = -w (r - w eps) / s^2, in log sigma^2 g eps / 2.

    Here r = x - w m, so Var g = w^4 / s^4 and Var(g eps / 2) = (w^2 r^2 + 2 w^4) / (4 s^4); the
    weight of a layer sees x times the gradient, its bias 1 times.
    """
    r = X - WEIGHT * SLOPE * X
    of_mean = WEIGHT**4 / SCALE**4
    of_log_variance = (WEIGHT**2 * r**2 + 2 * WEIGHT**4) / (4 * SCALE**4)
    expected = (1 + X**2) * (of_mean + of_log_variance)
    x = torch.tensor([[X]], dtype=torch.float64)
    estimates = np.array(
        [
            gradient_variance(scalar_model(), ELBO(), x, draws=40, seed=seed).variance
            for seed in range(9)
        ]
    )
    error = estimates.std(ddof=1) / np.sqrt(len(estimates))
    assert abs(estimates.mean() - expected) < 4 * error
    assert error < 0.2 * expected


def test_the_variance_is_the_sample_variance_of_the_gradients():
    gradients = []

    def objective(model, x, **_):
        terms = ELBO()(model, x)
        parameters = [*model.encoder.parameters(), *model.posterior.parameters()]
        parts = torch.autograd.grad(terms.loss, parameters, retain_graph=True)
        gradients.append(torch.cat([part.flatten() for part in parts]).double())
        return terms

    result = gradient_variance(small_model(), objective, examples(), draws=7)
    stacked = torch.stack(gradients)
    assert result.variance == pytest.approx(stacked.var(0).sum().item(), rel=1e-9)
    assert result.squared_norm == pytest.approx(stacked.mean(0).square().sum().item(), rel=1e-9)


def test_a_gradient_without_noise_has_no_variance():
    model = small_model()
    x = examples()
    result = gradient_variance(model, DivergenceOnly(), x, draws=5)
    assert result.variance == 0
    DivergenceOnly()(model, x).loss.backward()
    parameters = [*model.encoder.parameters(), *model.posterior.parameters()]
    exact = sum(p.grad.double().square().sum() for p in parameters)
    assert result.squared_norm == pytest.approx(exact.item(), rel=1e-6)


def test_every_gradient_is_that_of_the_same_codebook():
    """Without noise the gradient varies only if the codes, which training moves, are not reset."""
    posterior = {"kind": "vector-quantized", "codes": 4, "dead_code_threshold": 0}
    options = {"posterior": posterior, "prior": "uniform", "latent_dim": 2}
    model = build("mlp", examples().numpy(), **options).double().train()
    x = examples().double()
    model.encode(x)  # the first batch gives the codes
    assert gradient_variance(model, ELBO(), x, draws=5).variance == 0


def test_the_score_function_varies_more_than_the_pathwise_gradient():
    pathwise, score = (
        gradient_variance(small_model(), ELBO(gradient=name), examples())
        for name in ("pathwise", "score-function")
    )
    assert score.variance > 3 * pathwise.variance


def test_more_samples_reduce_the_variance():
    model = small_model()
    x = examples()
    one = gradient_variance(model, ELBO(), x).variance
    assert gradient_variance(model, ELBO(samples=20), x).variance < one / 10


def test_equal_seeds_give_equal_variances():
    first, again, other = (
        gradient_variance(small_model(), ELBO(), examples(), draws=3, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_the_model_is_not_changed():
    model = small_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    gradient_variance(model, ELBO(), examples(), draws=2)
    assert all(p.grad is None for p in model.parameters())
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_one_draw_has_no_variance():
    with raises(ConfigError, "draws"):
        gradient_variance(small_model(), ELBO(), examples(), draws=1)
