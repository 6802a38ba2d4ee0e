"""Bounds of log p(x): for every posterior with every prior they rise with K, and stay below what can be known exactly."""

from itertools import pairwise

import pytest
import torch

import vaekit
from conftest import small_images
from families import LIKELIHOODS, POSTERIORS, PRIORS, condition, names, small_vae
from vaekit.data import Transform
from vaekit.evaluation import exact_log_likelihood, importance_weighted_bound, is_enumerable
from vaekit.inputs import ModelInputs

ROWS, SEEDS = 6, 60
PAIRS = [
    (q, p)
    for q in POSTERIORS
    for p in PRIORS
    if q.z == p.z and not (q.certain and q.z == "continuous")
]


def mean_bound(model, inputs, samples: int) -> tuple[float, float]:
    found = torch.stack(
        [
            importance_weighted_bound(model, inputs, samples, seed=seed).mean()
            for seed in range(SEEDS)
        ]
    )
    return found.mean().item(), (found.std() / SEEDS**0.5).item()


def inputs_for(model, prior) -> ModelInputs:
    x = torch.rand(ROWS, *model.data_shape, dtype=torch.float64).numpy()
    y = condition(prior, ROWS)
    return ModelInputs(x, Transform("unit"), y=None if y is None else y.numpy())


@pytest.mark.parametrize(
    ("posterior", "prior"), PAIRS, ids=[f"{q.name}-{p.name}" for q, p in PAIRS]
)
def test_the_bound_rises_with_its_samples(posterior, prior):
    model = small_vae(posterior, prior, LIKELIHOODS[0])
    inputs = inputs_for(model, prior)
    found = [mean_bound(model, inputs, samples) for samples in (1, 8, 64)]
    for (low, error), (high, other) in pairwise(found):
        assert high >= low - 4 * (error**2 + other**2) ** 0.5 - 1e-9


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=names(LIKELIHOODS))
def test_the_exact_sum_is_above_the_bound_and_is_what_it_rises_to(likelihood):
    posterior = next(q for q in POSTERIORS if q.z == "discrete" and not q.certain)
    prior = next(p for p in PRIORS if p.z == "discrete" and not p.classes)
    model = small_vae(posterior, prior, likelihood)
    if not is_enumerable(model):
        pytest.fail("the list's smallest discrete latent has too many codes to be summed over")
    support = likelihood.supports[0]
    x = (torch.rand(ROWS, *model.data_shape) > 0.5).double().numpy()
    inputs = ModelInputs(x, Transform(support))
    exact = exact_log_likelihood(model, inputs)
    value, error = mean_bound(model, inputs, 256)
    assert value <= exact.mean().item() + 5 * error + 1e-9
    assert abs(value - exact.mean().item()) < 1.0


def test_the_sum_is_that_over_all_codes():
    model = vaekit.build(
        "mlp", small_images(), posterior={"kind": "categorical", "classes": 3}, latent_dim=2
    ).double()
    assert is_enumerable(model) and model.codebook is not None
    x = torch.rand(4, *model.data_shape, dtype=torch.float64)
    exact = exact_log_likelihood(model, ModelInputs(x.numpy(), Transform("unit")))
    terms = []
    for first in range(3):
        for second in range(3):
            z = model.codebook.embed(torch.tensor([[[first, second]]])).expand(1, 4, -1)
            terms.append(model.log_joint(x, z))
    torch.testing.assert_close(exact, torch.cat(terms).logsumexp(0))


def test_what_cannot_be_counted():
    many = vaekit.build(
        "mlp", small_images(), posterior={"kind": "categorical", "classes": 10}, latent_dim=20
    )
    assert not is_enumerable(many) and not is_enumerable(
        vaekit.build("mlp", small_images(), latent_dim=2)
    )
