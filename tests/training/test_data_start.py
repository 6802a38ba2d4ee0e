"""A model with components starts as probabilistic principal component analysis."""

from typing import Any

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET
from raising import raises
from vaekit.core.components import principal_components
from vaekit.core.divergences import closed_form
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.training.data_start import init_from_data, max_start_examples

LATENT = 3
EXAMPLES = 400
GAUSSIAN = {"kind": "gaussian", "min_scale": 1e-4}


def line_examples(shape: tuple[int, ...]) -> torch.Tensor:
    """Examples in [0, 1] with three large components and noise of one variance."""
    generator = torch.Generator().manual_seed(0)
    size = int(np.prod(shape))
    basis = torch.linalg.qr(torch.randn(size, LATENT, generator=generator).double())[0]
    scales = torch.tensor([3.0, 2.0, 1.0]).double()
    z = torch.randn(EXAMPLES, LATENT, generator=generator).double()
    noise = 0.1 * torch.randn(EXAMPLES, size, generator=generator).double()
    x = (z * scales) @ basis.T + noise
    return ((x - x.min()) / (x.max() - x.min())).unflatten(1, shape)


def started(recipe: str, x: torch.Tensor, **options: Any) -> VAE:
    settings = {"latent_dim": LATENT, "likelihood": GAUSSIAN, **options}
    model = vaekit.build(recipe, x.numpy(), **settings).double()
    init_from_data(model, x)
    return model


@pytest.mark.parametrize(
    ("recipe", "shape"), [("vectors", (6,)), ("images", (1, 8, 8)), ("images", (3, 9, 7))]
)
def test_the_elbo_at_the_start_is_the_likelihood_of_the_linear_model(
    recipe: str, shape: tuple[int, ...]
):
    x = line_examples(shape)
    model = started(recipe, x)
    q = model.encode(x)
    divergence = closed_form(q, model.prior_distribution())
    assert divergence is not None
    noise = model.decode(q.mean).variance.mean()
    # E_q[log p(x|z)] of a linear decoder: the value at the mean, less the variance that z adds.
    size = int(np.prod(shape))
    at_mean = model.decode(q.mean).log_prob(x)
    zero = torch.zeros(1, LATENT).double()
    columns = model.decode(zero + torch.eye(LATENT).double()).mean - model.decode(zero).mean
    spread = (q.variance @ columns.flatten(1).square().sum(1)) / (2 * noise)
    elbo = at_mean - spread - divergence.sum(-1)

    flat = x.flatten(1)
    components = principal_components(flat)
    left = components.variances[LATENT:].sum() / size
    scaled = components.variances[:LATENT]
    assert noise.item() == pytest.approx(left.item(), rel=0.05)
    weights = components.directions[:LATENT].T * (scaled - noise).sqrt()
    covariance = weights @ weights.T + noise * torch.eye(size).double()
    marginal = torch.distributions.MultivariateNormal(flat.mean(0), covariance)
    torch.testing.assert_close(elbo, marginal.log_prob(flat), rtol=1e-6, atol=1e-3)


def test_reconstructions_at_the_start_are_those_of_the_components():
    x = line_examples((1, 8, 8))
    model = started("images", x)
    by_components = x - principal_components(x).first(LATENT).residuals(x)
    error = (model.reconstruct(x) - by_components).square().mean()
    assert error < 1e-3 * x.var()


def test_binary_data_start_at_their_means():
    x = (torch.rand(EXAMPLES, 12).double() < torch.linspace(0.05, 0.9, 12)).double()
    model = vaekit.build("vectors", x.numpy(), latent_dim=2, likelihood="bernoulli").double()
    init_from_data(model, x)
    means = model.decode(torch.zeros(1, 2).double()).mean[0]
    torch.testing.assert_close(means, x.mean(0).clamp(0.02, 0.98))
    q = model.encode(x)
    assert (closed_form(q, model.prior_distribution()).mean(0) > 0.01).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_examples_than_latent_dimensions_leave_the_others_at_the_prior(count: int):
    x = line_examples((6,))[:count]
    model = started("vectors", x, latent_dim=5)
    q = model.encode(x)
    used = max(0, count - 1)
    torch.testing.assert_close(q.mean[:, used:], torch.zeros(count, 5 - used).double())
    torch.testing.assert_close(
        q.stddev[:, used:], torch.ones(count, 5 - used).double(), rtol=0, atol=1e-6
    )
    assert model.reconstruct(x).isfinite().all()


def test_a_model_without_components_keeps_its_weights():
    x = line_examples((1, 8, 8))
    model = vaekit.build("conv", x.numpy(), latent_dim=2, likelihood="gaussian").double()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    init_from_data(model, x)
    changed = {name for name, value in model.state_dict().items() if not value.equal(before[name])}
    assert changed == {"likelihood.log_var"}


@pytest.mark.parametrize(
    ("option", "parameter"),
    [
        ({"posterior": "categorical"}, "posterior"),
        ({"posterior": "deterministic"}, "posterior"),
        ({"likelihood": "continuous-bernoulli"}, "likelihood"),
    ],
)
def test_components_need_a_posterior_and_a_likelihood_that_start_as_linear(option, parameter):
    with raises(ConfigError, parameter):
        vaekit.build("vectors", np.random.default_rng(0).random((20, 6)), **option)


def test_the_components_of_large_examples_come_from_fewer():
    model = vaekit.build("conv", np.zeros((4, 1, 8, 8)))
    assert max_start_examples(model) == 2000


def test_faint_images_learn_as_well_as_bright_ones(tmp_path):
    """12 bits of 16: the density of a value that is divided by c is c times as large."""
    generator = np.random.default_rng(0)
    z = generator.normal(size=(80, 3)) @ generator.normal(size=(3, 64))
    images = (300 + 60 * z + 5 * generator.normal(size=(80, 64))).clip(0).round()
    images = images.reshape(-1, 8, 8).astype(np.uint16)
    options = {"training": {"epochs": 3, "device": "cpu"}, "console": QUIET}
    faint, brighter = (
        vaekit.train("images", data=factor * images, out=tmp_path / f"run{factor}", **options)
        for factor in (1, 2)
    )
    losses = [run.summary["test"]["loss"]["value"] for run in (faint, brighter)]
    assert losses[1] - losses[0] == pytest.approx(64 * np.log(2), abs=0.05)
    assert faint.config.data.normalize == "standardize"
    codes = faint.encode(images)
    divergence = 0.5 * (codes.mean**2 + codes.stddev**2 - 1) - np.log(codes.stddev)
    assert (divergence.mean(0) > 0.5).sum() >= 3
    decoded = faint.reconstruct(images)
    assert np.square(decoded[:, 0] - images).mean() < 0.1 * images.astype(float).var(0).mean()
