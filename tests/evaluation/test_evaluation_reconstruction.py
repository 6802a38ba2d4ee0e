"""Errors of reconstructions: against a model whose reconstructions are known."""

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


def model(shape: tuple[int, ...], error: float) -> VAE:
    """Gives back what it gets, each value off by `error`."""
    size = math.prod(shape)

    class Off(nn.Module):
        def __init__(self):
            super().__init__()
            self.error = nn.Parameter(torch.tensor(error))

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return z.reshape(-1, *shape) + self.error

    posterior = Deterministic(size, size)
    with torch.no_grad():
        for name, parameter in posterior.named_parameters():
            parameter.copy_(torch.eye(size) if name.endswith("weight") else torch.zeros(size))
    return VAE(
        nn.Flatten(), posterior, priors.StandardNormal(size), Off(), likelihoods.Gaussian(shape)
    )


def rows(*shape: int) -> ModelInputs:
    return ModelInputs(
        np.random.default_rng(0).random(shape, dtype=np.float32) / 2, Transform("unit")
    )


def test_an_error_of_every_value_is_the_root_of_the_mean_square():
    found = reconstruction_metrics(model((1, 12, 12), 0.1), rows(7, 1, 12, 12), span=1.0)
    assert found.mse.value == pytest.approx(0.01, rel=1e-4) and found.psnr.value == pytest.approx(
        20, rel=1e-4
    )


def test_the_range_is_what_the_error_is_measured_by():
    found = reconstruction_metrics(model((1, 12, 12), 0.1), rows(7, 1, 12, 12), span=10.0)
    assert found.psnr.value == pytest.approx(40, rel=1e-4)


def test_what_is_met_exactly_has_finite_figures():
    found = reconstruction_metrics(model((1, 12, 12), 0.0), rows(7, 1, 12, 12), span=1.0)
    assert found.mse.value == pytest.approx(0, abs=1e-12) and found.psnr.value == pytest.approx(
        96.33, abs=0.01
    )
    assert found.ssim.value == pytest.approx(1, abs=1e-5)


def test_similarity_falls_with_the_error():
    small, large = (
        reconstruction_metrics(model((1, 16, 16), e), rows(5, 1, 16, 16), span=1.0).ssim.value
        for e in (0.05, 0.4)
    )
    assert 0.9 < small < 1 and large < small - 0.05


def test_values_beyond_the_range_are_shown_as_its_end():
    white = ModelInputs(np.ones((3, 1, 12, 12), np.float32), Transform("unit"))
    found = reconstruction_metrics(model((1, 12, 12), 5.0), white, span=1.0)
    assert found.mse.value == pytest.approx(25) and found.psnr.value == pytest.approx(
        96.33, abs=0.01
    )


@pytest.mark.parametrize(
    ("shape", "span", "missing"),
    [((6,), 1.0, "ssim"), ((1, 8, 8), 1.0, "ssim"), ((1, 12, 12), None, "psnr")],
)
def test_what_rows_have_not_is_not_there(shape, span, missing):
    found = reconstruction_metrics(model(shape, 0.1), rows(4, *shape), span=span)
    assert getattr(found, missing) is None and found.mse.value == pytest.approx(0.01, rel=1e-4)
