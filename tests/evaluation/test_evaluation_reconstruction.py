"""Fidelity of reconstructions, for a model whose reconstructions are known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from vaekit import likelihoods, priors
from vaekit.core.vae import VAE
from vaekit.data import Transform
from vaekit.evaluation import reconstruction_metrics
from vaekit.inputs import ModelInputs
from vaekit.posteriors import Deterministic

MAX_PSNR = 96.33


def model_with_error(shape: tuple[int, ...], error: float) -> VAE:
    """A model whose reconstruction of each value is wrong by `error`."""
    size = math.prod(shape)

    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.error = nn.Parameter(torch.tensor(error))

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return z.reshape(-1, *shape) + self.error

    posterior = Deterministic(size, size)
    with torch.no_grad():
        for name, parameter in posterior.named_parameters():
            parameter.copy_(torch.eye(size) if name.endswith("weight") else torch.zeros(size))
    prior = priors.StandardNormal(size)
    return VAE(nn.Flatten(), posterior, prior, Shifted(), likelihoods.Gaussian(shape))


def random_inputs(*shape: int) -> ModelInputs:
    x = np.random.default_rng(0).random(shape, dtype=np.float32) / 2
    return ModelInputs(x, Transform("unit"))


def test_an_equal_error_of_every_value_is_the_root_of_the_mse():
    model = model_with_error((1, 12, 12), 0.1)
    metrics = reconstruction_metrics(model, random_inputs(7, 1, 12, 12), span=1.0)
    assert metrics.mse.value == pytest.approx(0.01, rel=1e-4)
    assert metrics.psnr.value == pytest.approx(20, rel=1e-4)


def test_psnr_is_relative_to_the_range():
    model = model_with_error((1, 12, 12), 0.1)
    metrics = reconstruction_metrics(model, random_inputs(7, 1, 12, 12), span=10.0)
    assert metrics.psnr.value == pytest.approx(40, rel=1e-4)


def test_exact_reconstructions_have_finite_metrics():
    model = model_with_error((1, 12, 12), 0.0)
    metrics = reconstruction_metrics(model, random_inputs(7, 1, 12, 12), span=1.0)
    assert metrics.mse.value == pytest.approx(0, abs=1e-12)
    assert metrics.psnr.value == pytest.approx(MAX_PSNR, abs=0.01)
    assert metrics.ssim.value == pytest.approx(1, abs=1e-5)


def test_ssim_decreases_with_the_error():
    inputs = random_inputs(5, 1, 16, 16)
    small, large = (
        reconstruction_metrics(model_with_error((1, 16, 16), error), inputs, span=1.0).ssim.value
        for error in (0.05, 0.4)
    )
    assert 0.9 < small < 1
    assert large < small - 0.05


def test_psnr_is_the_mean_of_that_of_each_example():
    """At 0.95 the error of 0.1 is clipped to 0.05."""
    x = np.repeat(np.float32([0.5, 0.95]), 144).reshape(2, 1, 12, 12)
    inputs = ModelInputs(x, Transform("unit"))
    metrics = reconstruction_metrics(model_with_error((1, 12, 12), 0.1), inputs, span=1.0)
    expected = -10 * np.log10([0.1**2, 0.05**2])
    assert metrics.psnr.value == pytest.approx(expected.mean(), rel=1e-4)
    error = expected.std(ddof=1) / 2**0.5
    assert metrics.psnr.standard_error == pytest.approx(error, rel=1e-3)


def test_psnr_clips_decoded_values_to_the_range_and_mse_does_not():
    white = ModelInputs(np.ones((3, 1, 12, 12), np.float32), Transform("unit"))
    metrics = reconstruction_metrics(model_with_error((1, 12, 12), 5.0), white, span=1.0)
    assert metrics.mse.value == pytest.approx(25)
    assert metrics.psnr.value == pytest.approx(MAX_PSNR, abs=0.01)


@pytest.mark.parametrize(
    ("shape", "span", "missing"),
    [((6,), 1.0, "ssim"), ((1, 8, 8), 1.0, "ssim"), ((1, 12, 12), None, "psnr")],
)
def test_metrics_that_do_not_apply_are_none(shape, span, missing):
    model = model_with_error(shape, 0.1)
    metrics = reconstruction_metrics(model, random_inputs(4, *shape), span=span)
    assert getattr(metrics, missing) is None
    assert metrics.mse.value == pytest.approx(0.01, rel=1e-4)
