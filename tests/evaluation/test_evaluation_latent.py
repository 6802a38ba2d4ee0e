"""Metrics of the latent space, for posteriors whose aggregate is known."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from vaekit import likelihoods, nets, priors
from vaekit.core.vae import VAE
from vaekit.data import Transform
from vaekit.evaluation import (
    EncodedExamples,
    aggregate_posterior,
    encode_all,
    latent_activity,
    prior_holes,
)
from vaekit.inputs import ModelInputs
from vaekit.posteriors import Posterior
from vaekit.runtime.seeding import seeded_noise


class NormalAroundX(Posterior):
    """q(z|x) = N(x, sigma^2)."""

    def __init__(self, latent: int, sigma: float):
        super().__init__()
        self.latent = (latent,)
        self.latent_dim = latent
        self.sigma = sigma

    def forward(self, features):
        return Independent(Normal(features, torch.full_like(features, self.sigma)), 1)


def model_around_x(latent: int, sigma: float) -> VAE:
    encoder = nets.MLPEncoder((latent,), latent, hidden=())
    decoder = nets.MLPDecoder(latent, (latent,), hidden=())
    return VAE(
        encoder,
        NormalAroundX(latent, sigma),
        priors.StandardNormal(latent),
        decoder,
        likelihoods.Gaussian((latent,)),
    ).double()


def encode(model: VAE, x: np.ndarray) -> EncodedExamples:
    return encode_all(model, ModelInputs(x, Transform("real")))


def test_equal_posteriors_have_no_mutual_information():
    model = model_around_x(3, 0.7)
    aggregate = aggregate_posterior(model, encode(model, np.zeros((50, 3))))
    assert aggregate.mutual_information.value == pytest.approx(0.0, abs=1e-12)


def test_posteriors_that_do_not_overlap_have_log_n_nats_of_information():
    model = model_around_x(2, 0.1)
    codes = encode(model, 100.0 * np.arange(40)[:, None] * np.ones(2))
    information = aggregate_posterior(model, codes).mutual_information
    assert information.value == pytest.approx(math.log(40), abs=1e-9)


@pytest.mark.parametrize("sigma", [0.9, 0.5])
def test_if_the_aggregate_is_the_prior_the_divergence_is_all_information(sigma):
    model = model_around_x(1, sigma)
    x = np.random.default_rng(0).normal(scale=math.sqrt(1 - sigma**2), size=(6000, 1))
    aggregate = aggregate_posterior(model, encode(model, x))
    information = aggregate.mutual_information
    assert abs(information.value + math.log(sigma)) < 5 * information.standard_error + 0.01
    assert abs(aggregate.marginal_kl.value) < 0.02


def test_information_and_marginal_kl_add_up_to_the_divergence():
    model = model_around_x(2, 0.3)
    x = np.random.default_rng(0).normal(size=(700, 2)) * 2 + 1
    codes = encode(model, x)
    aggregate = aggregate_posterior(model, codes)
    q = Independent(Normal(torch.from_numpy(x), torch.full((700, 2), 0.3).double()), 1)
    prior = Independent(Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)
    divergence = (q.log_prob(codes.draws) - prior.log_prob(codes.draws)).mean().item()
    total = aggregate.mutual_information.value + aggregate.marginal_kl.value
    assert total == pytest.approx(divergence, rel=1e-9)


def test_activity_is_the_variance_of_posterior_means():
    x = np.random.default_rng(0).normal(size=(2000, 3)) * [1.0, 0.05, 2.0]
    activity = latent_activity(encode(model_around_x(3, 0.5), x))
    torch.testing.assert_close(activity, torch.from_numpy(x).var(0, correction=0))


def test_prior_holes_are_regions_of_the_prior_without_codes():
    rng = np.random.default_rng(0)
    model = model_around_x(2, 0.05)
    filled = rng.normal(size=(3000, 2))
    assert prior_holes(model, encode(model, filled)) == pytest.approx(0.01, abs=0.01)
    first = np.abs(rng.normal(size=3000))
    half = np.stack([first, rng.normal(size=3000)], 1)
    assert prior_holes(model, encode(model, half)) == pytest.approx(0.45, abs=0.06)


def test_prior_holes_of_several_chunks_are_those_of_all_pairs():
    """4,000 codes take several chunks; the last fortieth are far from all others."""
    count = 4000
    model = model_around_x(2, 0.05)
    dense = 0.01 * torch.randn(count - 100, 2, dtype=torch.float64)
    sparse = torch.stack([torch.arange(100.0), torch.full((100,), 5.0)], 1).double()
    draws = torch.cat([dense, sparse])
    with seeded_noise(3):
        samples = model.sample_prior(count)
    scale = samples.std(0)
    distances = torch.cdist(draws / scale, draws / scale).fill_diagonal_(math.inf)
    limit = distances.min(1).values.quantile(0.99)
    is_far = torch.cdist(samples / scale, draws / scale).min(1).values > limit
    expected = is_far.double().mean().item()
    assert 0.1 < expected < 0.9
    for ordered in (draws, draws.flip(0)):
        codes = EncodedExamples([], points=torch.zeros_like(ordered), draws=ordered)
        holes = prior_holes(model, codes, seed=3)
        assert holes == pytest.approx(expected, abs=1e-9)


def test_the_aggregate_is_the_mean_of_all_posteriors_at_every_draw():
    """With 40 dimensions, a batch of 500 codes and 500 posteriors takes several chunks."""
    latent, sigma, count = 40, 0.8, 1100
    model = model_around_x(latent, sigma)
    x = torch.randn(count, latent, dtype=torch.float64)
    x = x * torch.linspace(0.2, 1.5, count, dtype=torch.float64)[:, None]
    codes = encode(model, x.numpy())
    aggregate = aggregate_posterior(model, codes)
    squares = torch.cdist(codes.draws, x, compute_mode="donot_use_mm_for_euclid_dist").square()
    exponents = -0.5 * squares / sigma**2
    information = exponents.diagonal() - exponents.logsumexp(1) + math.log(count)
    expected = information.mean().item()
    assert aggregate.mutual_information.value == pytest.approx(expected, rel=1e-9)
    log_prior = -0.5 * codes.draws.square().sum(1) - latent / 2 * math.log(2 * math.pi)
    constant = latent / 2 * math.log(2 * math.pi * sigma**2)
    log_q = exponents.logsumexp(1) - math.log(count) - constant
    expected = (log_q - log_prior).mean().item()
    assert aggregate.marginal_kl.value == pytest.approx(expected, rel=1e-9)


def test_examples_of_different_batches_have_different_draws():
    draws = encode(model_around_x(2, 0.7), np.ones((1100, 2))).draws
    assert len(draws.unique(dim=0)) == 1100
