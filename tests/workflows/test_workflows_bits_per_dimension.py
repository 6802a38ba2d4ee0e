"""Bits per dimension: of what they are, and that the dequantised bound is one of the probability of levels."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit import likelihoods, nets, posteriors, priors

LEVELS = 8


class Constant(nn.Module):
    """A decoder that says the same for every code."""

    def __init__(self, values: list[float]):
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.values.expand(len(z), -1)


def model(likelihood, values: list[float]) -> vaekit.VAE:
    encoder = nets.MLPEncoder((2,), 1, hidden=(3,))
    prior = priors.StandardNormal(1)
    return vaekit.VAE(encoder, posteriors.DiagonalNormal(3, 1), prior, Constant(values), likelihood)


def run_on(folder, likelihood, values):
    """A run on two columns of eight levels, whose p(x) is one density for both."""
    x = np.random.default_rng(0).integers(0, LEVELS, (400, 2)).astype(np.float32)
    np.save(folder / "x.npy", x)
    settings = {
        "training": {"epochs": 1, "device": "cpu"},
        "optimizer": {"kind": "sgd", "lr": 1e-30},
        "console": QUIET,
    }
    data = {"source": str(folder / "x.npy"), "support": f"integers:{LEVELS}"}
    return vaekit.train(model(likelihood, values), data=data, out=folder / "run", **settings)


def test_the_density_of_values_between_levels_bounds_the_probability_of_levels(tmp_path):
    run = run_on(tmp_path, likelihoods.Gaussian((2,), scale=0.3), [0.5, 0.5])
    found = vaekit.evaluate(run, samples=300)["bits_per_dimension"]
    normal = torch.distributions.Normal(0.5, 0.3)
    edges = torch.arange(LEVELS + 1) / LEVELS
    test = vaekit.load_data(tmp_path / "x.npy").train.x[np.load(run.path / "split.npz")["test"]]
    exact = (
        -torch.log2(normal.cdf(edges[1:]) - normal.cdf(edges[:-1]))[torch.from_numpy(test).long()]
        .mean()
        .item()
    )
    assert (
        found["value"] == pytest.approx(exact, abs=0.05)
        and found["value"] > exact - 4 * found["standard_error"]
    )
    assert found["of"].startswith("levels, by the density of (k + u) / 8, u uniform")


def test_of_a_uniform_density_it_is_the_number_of_levels(tmp_path):
    run = run_on(tmp_path, likelihoods.ContinuousBernoulli((2,)), [0.0, 0.0])
    found = vaekit.evaluate(run, samples=5)["bits_per_dimension"]
    assert found["value"] > math.log2(LEVELS) - 1e-6 and found["value"] == pytest.approx(
        math.log2(LEVELS), abs=0.3
    )


def test_the_noise_of_values_repeats_by_seed(tmp_path):
    run = run_on(tmp_path, likelihoods.Gaussian((2,), scale=0.3), [0.5, 0.5])
    first, again, other = (
        vaekit.evaluate(run, samples=2, seed=seed)["bits_per_dimension"]["value"]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_bytes_under_a_density_are_dequantised(tmp_path):
    run = train_small(tmp_path / "run", likelihood="gaussian")
    found = vaekit.evaluate(run, data=small_images(), samples=1)
    assert (
        found["bits_per_dimension"]["of"]
        == "levels, by the density of (k + u) / 256, u uniform, K = 1"
    )


def test_floats_that_were_bytes_have_none(tmp_path):
    np.save(tmp_path / "x.npy", small_images(rows=200).train.x.astype(np.float32) / 255)
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), likelihood="gaussian")
    found = vaekit.evaluate(run, samples=1)
    assert (
        found["bits_per_dimension"] is None and "a few levels" in found["why_no_bits_per_dimension"]
    )


def test_a_density_of_numbers_is_one_on_their_scale(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(600, 3)))
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"))
    found = vaekit.evaluate(run, samples=2)
    assert "a density on the scale of the data" in found["bits_per_dimension"]["of"]
    value = -found["importance_weighted_bound"]["value"] / 3 / math.log(2)
    assert found["bits_per_dimension"]["value"] == pytest.approx(value)
