"""Decoding and sampling in batches give what one batch gives, within bounded memory."""

import numpy as np
import pytest
import torch

from families import LIKELIHOODS, POSTERIORS, PRIORS, condition, small_vae
from vaekit.core.vae import VAE
from vaekit.data import Transform
from vaekit.inference.encode_decode import (
    decode_means,
    encode_samples,
    iter_decode_samples,
    sample_prior,
)
from vaekit.inputs import ModelInputs, model_inputs, values_per_example
from vaekit.runtime.seeding import seeded_noise

CASES = [
    (POSTERIORS[0], PRIORS[0]),
    (POSTERIORS[0], PRIORS[1]),
    (POSTERIORS[4], PRIORS[3]),
    (POSTERIORS[4], PRIORS[4]),
]
GAUSSIAN = next(each for each in LIKELIHOODS if each.name == "gaussian-fixed")


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0].name}-{case[1].name}")
def case(request):
    posterior, prior = request.param
    return small_vae(posterior, prior, LIKELIHOODS[0]), condition(prior, 23)


@pytest.fixture
def batches_of_three(monkeypatch):
    monkeypatch.setattr(model_inputs, "MAX_BATCH_EXAMPLES", 3)


def test_decoding_in_batches_equals_decoding_at_once(case, batches_of_three):
    model, y = case
    z = model.sample_prior(23, y)
    torch.testing.assert_close(decode_means(model, z, y), model.eval().decode(z, y).mean)
    values = torch.cat(list(iter_decode_samples(model, z, y)))
    assert values.shape == (23, *model.data_shape)
    assert set(values.unique().tolist()) <= {0.0, 1.0}


def test_equal_codes_and_examples_of_different_batches_have_different_noise(batches_of_three):
    model = small_vae(POSTERIORS[0], PRIORS[0], GAUSSIAN)
    inputs = ModelInputs(np.full((23, *model.data_shape), 0.3), Transform("unit"))
    assert len(encode_samples(model, inputs).unique(dim=0)) == 23
    z = torch.zeros(23, *model.latent_shape, dtype=torch.float64)
    assert len(torch.cat(list(iter_decode_samples(model, z))).unique(dim=0)) == 23


def test_noise_of_values_is_independent_of_the_noise_of_codes():
    model = small_vae(POSTERIORS[0], PRIORS[0], GAUSSIAN)
    with seeded_noise(7):
        z = sample_prior(model, 400)
    x = torch.cat(list(iter_decode_samples(model, z, seed=7)))
    noise = (x - decode_means(model, z)).flatten()[: z.numel()]
    correlation = torch.corrcoef(torch.stack([noise, z.flatten()]))[0, 1].item()
    assert abs(correlation) < 4 / z.numel() ** 0.5


def test_each_batch_of_prior_samples_has_its_own_classes(case, batches_of_three, monkeypatch):
    model, y = case
    calls = []

    def record(self, count, y=None):
        calls.append((count, y))
        return torch.zeros(count, 4)

    monkeypatch.setattr(VAE, "sample_prior", record)
    assert len(sample_prior(model, 23, y)) == 23
    assert [count for count, _ in calls] == [3] * 7 + [2]
    if y is not None:
        assert torch.equal(torch.cat([part for _, part in calls]), y)


def test_samples_that_fit_one_batch_are_those_of_the_model(case):
    model, y = case
    with seeded_noise(1):
        expected = model.sample_prior(23, y)
    with seeded_noise(1):
        torch.testing.assert_close(sample_prior(model, 23, y), expected)


def test_values_per_example_count_the_activations_of_an_autoregressive_prior():
    model = small_vae(POSTERIORS[4], PRIORS[3], LIKELIHOODS[0])
    per_position = 5 + 8 * 8 + 2 * 2  # codes, hidden units, attention of two positions
    assert values_per_example(model) == 2 * per_position
    uniform = small_vae(POSTERIORS[4], PRIORS[2], LIKELIHOODS[0])
    assert values_per_example(uniform) == 16  # the decoder's output, more than 2 x 5 logits
