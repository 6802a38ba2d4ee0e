"""Bits per dimension: their basis, and the dequantized bound of the probability of levels."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit import likelihoods, nets, posteriors, priors
from vaekit.evaluation.results import BitsMetric

pytestmark = pytest.mark.slow

LEVELS = 8
UNTRAINED = {
    "training": {"epochs": 1, "device": "cpu"},
    "optimizer": {"kind": "sgd", "lr": 1e-30},
    "console": QUIET,
}


def bits_of(run, **options) -> BitsMetric:
    options = {"importance_samples": 1, "generated_examples": 0, **options}
    return vaekit.evaluate(run, **options).bits_per_dimension


class ConstantDecoder(nn.Module):
    """A decoder with the same output for every code."""

    def __init__(self, values: list[float]):
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.values.expand(len(z), -1)


class SignDecoder(nn.Module):
    """A decoder with one of two outputs, by the sign of the code."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return (1 - z.sign()) / (2 * LEVELS)


def constant_run(folder, likelihood, values: list[float]):
    """A run on two columns of eight levels, whose p(x) does not depend on z."""
    x = np.random.default_rng(0).integers(0, LEVELS, (400, 2)).astype(np.float32)
    np.save(folder / "x.npy", x)
    model = vaekit.VAE(
        nets.MLPEncoder((2,), 1, hidden=(3,)),
        posteriors.DiagonalNormal(3, 1),
        priors.StandardNormal(1),
        ConstantDecoder(values),
        likelihood,
    )
    data = {"source": str(folder / "x.npy"), "support": f"integers:{LEVELS}"}
    return vaekit.train(model, data=data, out=folder / "run", **UNTRAINED)


def test_the_dequantized_density_bounds_the_probability_of_levels(tmp_path):
    run = constant_run(tmp_path, likelihoods.Gaussian((2,), scale=0.3), [0.5, 0.5])
    metric = bits_of(run, importance_samples=300).metric
    normal = torch.distributions.Normal(0.5, 0.3)
    edges = torch.arange(LEVELS + 1) / LEVELS
    bits_per_level = -torch.log2(normal.cdf(edges[1:]) - normal.cdf(edges[:-1]))
    test = np.load(tmp_path / "x.npy")[np.load(run.path / "split.npz")["test"]]
    exact = bits_per_level[torch.from_numpy(test).long()].mean().item()
    assert metric.value == pytest.approx(exact, abs=0.05)
    assert metric.value > exact - 4 * metric.standard_error


def test_a_uniform_density_takes_the_bits_of_the_number_of_levels(tmp_path):
    run = constant_run(tmp_path, likelihoods.ContinuousBernoulli((2,)), [0.0, 0.0])
    value = bits_of(run, importance_samples=5).metric.value
    assert value > math.log2(LEVELS) - 1e-6
    assert value == pytest.approx(math.log2(LEVELS), abs=0.3)


def test_dequantization_noise_repeats_by_seed(tmp_path):
    run = constant_run(tmp_path, likelihoods.Gaussian((2,), scale=0.3), [0.5, 0.5])
    first, again, other = (bits_of(run, seed=seed).metric.value for seed in (0, 0, 1))
    assert first == again != other


def test_dequantization_noise_is_independent_of_the_noise_of_codes(tmp_path):
    """x = (k + u) / L with k = 0: the decoded mean depends on u only if z does."""
    scale = 0.4 / LEVELS
    posterior = posteriors.DiagonalNormal(3, 1)
    for head in (posterior.mu, posterior.log_var):
        nn.init.zeros_(head.weight)  # q(z|x) = p(z)
    model = vaekit.VAE(
        nets.MLPEncoder((1,), 1, hidden=(3,)),
        posterior,
        priors.StandardNormal(1),
        SignDecoder(),
        likelihoods.Gaussian((1,), scale=scale),
    )
    np.save(tmp_path / "x.npy", np.arange(LEVELS).repeat(20)[:, None].astype(np.float32))
    data = {"source": str(tmp_path / "x.npy"), "support": f"integers:{LEVELS}"}
    run = vaekit.train(model, data=data, out=tmp_path / "run", **UNTRAINED)
    np.save(tmp_path / "zeros.npy", np.zeros((1000, 1), np.float32))
    square = 4 / 3 / (2 * LEVELS) ** 2  # E[(x - mean)^2] = E[(2 u - 1)^2 + 1] / (2 L)^2
    nats = square / (2 * scale**2) + math.log(scale * math.sqrt(2 * math.pi)) + math.log(LEVELS)
    for seed in range(3):
        metric = bits_of(run, data=tmp_path / "zeros.npy", seed=seed).metric
        assert abs(metric.value - nats / math.log(2)) < 4 * metric.standard_error


# --- Basis -----------------------------------------------------------------------------------


def basis_of(tmp_path, x: np.ndarray, **options) -> str:
    tmp_path.mkdir(exist_ok=True)
    np.save(tmp_path / "x.npy", x)
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), **options)
    return bits_of(run).basis


def test_bytes_real_numbers_and_binary_values_have_bits_of_different_bases(tmp_path):
    rng = np.random.default_rng(0)
    bases = {
        basis_of(tmp_path / "bytes", small_images().train.x, likelihood="gaussian"),
        basis_of(tmp_path / "real", rng.normal(size=(600, 3))),
        basis_of(tmp_path / "binary", rng.random((60, 6)) > 0.5),
    }
    assert len(bases) == 3 and "" not in bases


def test_bits_of_real_numbers_are_the_bound_in_bits(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(600, 3)))
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"))
    evaluation = vaekit.evaluate(run, importance_samples=2, generated_examples=0)
    bits = -evaluation.importance_weighted_bound.value / 3 / math.log(2)
    assert evaluation.bits_per_dimension.metric.value == pytest.approx(bits)


@pytest.mark.parametrize("kind", ["floats of bytes", "booleans", "integers"])
def test_a_density_of_few_levels_has_no_bits_per_dimension(tmp_path, kind):
    x = {
        "floats of bytes": small_images(examples=200).train.x.astype(np.float32) / 255,
        "booleans": np.random.default_rng(0).random((60, 6)) > 0.5,
        "integers": np.arange(360).reshape(60, 6) % 7,
    }[kind]
    np.save(tmp_path / "x.npy", x)
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), likelihood="gaussian")
    bits = bits_of(run)
    assert bits.metric.value is None and bits.metric.unavailable and not bits.basis
