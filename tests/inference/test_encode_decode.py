"""Many codes, some at a time: the same as all at once, and never more at once than memory is allowed for."""

import pytest
import torch

from families import LIKELIHOODS, POSTERIORS, PRIORS, condition, small_vae
from vaekit import inputs
from vaekit.core.vae import VAE
from vaekit.inference.encode_decode import decode_means, iter_decode_samples, sample_prior
from vaekit.runtime.seeding import seeded_noise

CASES = [
    (POSTERIORS[0], PRIORS[0]),
    (POSTERIORS[0], PRIORS[1]),
    (POSTERIORS[4], PRIORS[3]),
    (POSTERIORS[4], PRIORS[4]),
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0].name}-{case[1].name}")
def case(request):
    posterior, prior = request.param
    return small_vae(posterior, prior, LIKELIHOODS[0]), condition(prior, 23)


@pytest.fixture
def three_at_once(monkeypatch):
    monkeypatch.setattr(inputs, "BATCH", 3)


def test_parts_are_decoded_as_the_whole_is(case, three_at_once):
    model, y = case
    z = model.sample_prior(23, y)
    torch.testing.assert_close(decode_means(model, z, y), model.eval().decode(z, y).mean)
    values = torch.cat(list(iter_decode_samples(model, z, y)))
    assert values.shape == (23, *model.data_shape) and set(values.unique().tolist()) <= {0.0, 1.0}


def test_one_code_is_drawn_for_each_row_and_its_class(case, three_at_once, monkeypatch):
    model, y = case
    drawn = []
    monkeypatch.setattr(
        VAE, "draw", lambda self, count, y=None: drawn.append((count, y)) or torch.zeros(count, 4)
    )
    assert len(sample_prior(model, 23, y)) == 23
    assert [count for count, _ in drawn] == [3] * 7 + [2]
    if y is not None:
        assert torch.equal(torch.cat([part for _, part in drawn]), y)


def test_what_fits_at_once_is_drawn_at_once(case):
    model, y = case
    with seeded_noise(1):
        whole = model.sample_prior(23, y)
    with seeded_noise(1):
        torch.testing.assert_close(sample_prior(model, 23, y), whole)


def test_a_prior_over_many_codes_bounds_what_is_drawn_at_once():
    model = small_vae(POSTERIORS[4], PRIORS[3], LIKELIHOODS[0])
    assert inputs.values_per_example(model) == 2 * (
        5 + 8 * 8 + 2 * 2
    )  # codes, hidden units and attention of two positions
    uniform = small_vae(POSTERIORS[4], PRIORS[2], LIKELIHOODS[0])
    assert (
        inputs.values_per_example(uniform) == 16
    )  # the decoder gives more than the chances of 2 x 5 codes
