"""Figures of the latent space, against posteriors whose aggregate is known."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from vaekit import likelihoods, nets, priors
from vaekit.core.vae import VAE
from vaekit.data import Transform
from vaekit.evaluation import aggregate_posterior, encode_all, latent_activity, prior_holes
from vaekit.inputs import ModelInputs
from vaekit.posteriors import Posterior


class Around(Posterior):
    """q(z given x) = N(x, s^2)."""

    def __init__(self, latent: int, sigma: float):
        super().__init__()
        self.latent, self.latent_dim, self.sigma = (latent,), latent, sigma

    def forward(self, features):
        return Independent(Normal(features, torch.full_like(features, self.sigma)), 1)


def model(latent: int, sigma: float) -> VAE:
    encoder = nets.MLPEncoder((latent,), latent, hidden=())
    decoder = nets.MLPDecoder(latent, (latent,), hidden=())
    return VAE(
        encoder,
        Around(latent, sigma),
        priors.StandardNormal(latent),
        decoder,
        likelihoods.Gaussian((latent,)),
    ).double()


def codes(of: VAE, x: np.ndarray):
    return encode_all(of, ModelInputs(x, Transform("real")))


def test_posteriors_that_are_all_the_same_say_nothing():
    vae = model(3, 0.7)
    found = aggregate_posterior(vae, codes(vae, np.zeros((50, 3))))
    assert found.mutual_information.value == pytest.approx(0.0, abs=1e-12)


def test_posteriors_that_never_meet_say_which_row_it_was():
    vae = model(2, 0.1)
    found = aggregate_posterior(vae, codes(vae, 100.0 * np.arange(40)[:, None] * np.ones(2)))
    assert found.mutual_information.value == pytest.approx(math.log(40), abs=1e-9)


@pytest.mark.parametrize("sigma", [0.9, 0.5])
def test_where_the_aggregate_is_the_prior_all_of_the_divergence_is_information(sigma):
    vae, rng = model(1, sigma), np.random.default_rng(0)
    found = aggregate_posterior(
        vae, codes(vae, rng.normal(scale=math.sqrt(1 - sigma**2), size=(6000, 1)))
    )
    value, error = found.mutual_information
    assert abs(value + math.log(sigma)) < 5 * error + 0.01
    assert abs(found.marginal_kl.value) < 0.02


def test_information_and_distance_from_the_prior_are_the_divergence():
    vae, x = model(2, 0.3), np.random.default_rng(0).normal(size=(700, 2)) * 2 + 1
    found, encoded = aggregate_posterior(vae, codes(vae, x)), codes(vae, x)
    q = Independent(Normal(torch.from_numpy(x), torch.full((700, 2), 0.3).double()), 1)
    prior = Independent(Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)
    divergence = (q.log_prob(encoded.draws) - prior.log_prob(encoded.draws)).mean().item()
    assert found.mutual_information.value + found.marginal_kl.value == pytest.approx(
        divergence, rel=1e-9
    )


def test_active_dimensions_are_those_whose_means_move():
    x = np.random.default_rng(0).normal(size=(2000, 3)) * [1.0, 0.05, 2.0]
    vae = model(3, 0.5)
    torch.testing.assert_close(
        latent_activity(codes(vae, x)), torch.from_numpy(x).var(0, correction=0)
    )


def test_holes_are_what_the_prior_has_and_codes_have_not():
    rng, vae = np.random.default_rng(0), model(2, 0.05)
    assert prior_holes(vae, codes(vae, rng.normal(size=(3000, 2)))) == pytest.approx(0.01, abs=0.01)
    half = np.abs(rng.normal(size=(3000, 1))) * [1.0, 0.0] + rng.normal(size=(3000, 1)) * [0.0, 1.0]
    assert prior_holes(vae, codes(vae, half)) == pytest.approx(0.45, abs=0.06)
