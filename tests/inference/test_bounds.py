"""Bounds of log p(x) rise with K up to the exact value, for every posterior and every prior."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

import vaekit
from conftest import small_images
from families import LIKELIHOODS, POSTERIORS, PRIORS, condition, names, small_vae
from vaekit.data import Transform
from vaekit.evaluation import (
    bound_sums,
    elbo_per_example,
    elbo_sums,
    exact_log_likelihood,
    importance_weighted_bound,
    is_enumerable,
)
from vaekit.inputs import ModelInputs
from vaekit.runtime.distributed import ProcessInfo

pytestmark = pytest.mark.slow

EXAMPLES = 6
SEEDS = 60
PAIRS = [
    (q, p)
    for q in POSTERIORS
    for p in PRIORS
    if q.z == p.z and not (q.deterministic and q.z == "continuous")
]


def mean_bound(model, inputs, samples: int) -> tuple[float, float]:
    """The mean bound over seeds, and its standard error."""
    bounds = torch.stack(
        [
            importance_weighted_bound(model, inputs, samples, seed=seed).mean()
            for seed in range(SEEDS)
        ]
    )
    return bounds.mean().item(), (bounds.std() / SEEDS**0.5).item()


def inputs_for(model, prior) -> ModelInputs:
    x = torch.rand(EXAMPLES, *model.data_shape, dtype=torch.float64).numpy()
    y = condition(prior, EXAMPLES)
    return ModelInputs(x, Transform("unit"), y=None if y is None else y.numpy())


def categorical_model(classes: int, latent_dim: int, **options):
    posterior = {"kind": "categorical", "classes": classes}
    data = small_images(**options)
    return vaekit.build("mlp", data, posterior=posterior, latent_dim=latent_dim).double()


@pytest.mark.parametrize(
    ("posterior", "prior"), PAIRS, ids=[f"{q.name}-{p.name}" for q, p in PAIRS]
)
def test_the_bound_rises_with_its_samples(posterior, prior):
    model = small_vae(posterior, prior, LIKELIHOODS[0])
    inputs = inputs_for(model, prior)
    bounds = [mean_bound(model, inputs, samples) for samples in (1, 8, 64)]
    for (low, low_error), (high, high_error) in pairwise(bounds):
        assert high >= low - 4 * (low_error**2 + high_error**2) ** 0.5 - 1e-9


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=names(LIKELIHOODS))
def test_the_bound_rises_to_the_exact_log_likelihood(likelihood):
    posterior = next(q for q in POSTERIORS if q.z == "discrete" and not q.deterministic)
    prior = next(p for p in PRIORS if p.z == "discrete" and not p.classes)
    model = small_vae(posterior, prior, likelihood)
    assert is_enumerable(model)
    x = (torch.rand(EXAMPLES, *model.data_shape) > 0.5).double().numpy()
    inputs = ModelInputs(x, Transform(likelihood.supports[0]))
    exact = exact_log_likelihood(model, inputs).mean().item()
    value, error = mean_bound(model, inputs, 256)
    assert value <= exact + 5 * error + 1e-9
    assert abs(value - exact) < 1.0


def test_the_exact_log_likelihood_sums_over_all_codes():
    model = categorical_model(classes=3, latent_dim=2)
    assert is_enumerable(model) and model.codebook is not None
    x = torch.rand(4, *model.data_shape, dtype=torch.float64)
    exact = exact_log_likelihood(model, ModelInputs(x.numpy(), Transform("unit")))
    terms = []
    for first in range(3):
        for second in range(3):
            z = model.codebook.embed(torch.tensor([[[first, second]]])).expand(1, 4, -1)
            terms.append(model.log_joint(x, z))
    torch.testing.assert_close(exact, torch.cat(terms).logsumexp(0))


def test_the_exact_log_likelihood_of_several_chunks_of_codes_sums_over_all_codes():
    model = categorical_model(classes=2, latent_dim=12, shape=(1, 28, 28))
    assert is_enumerable(model) and model.codebook is not None
    x = torch.rand(3, *model.data_shape, dtype=torch.float64)
    exact = exact_log_likelihood(model, ModelInputs(x.numpy(), Transform("unit")))
    digits = (torch.arange(4096)[:, None] >> torch.arange(12)) % 2
    with torch.no_grad():
        p = model.decode(model.codebook.embed(digits))
        log_p = torch.stack([p.log_prob(example) for example in x], 1) - 12 * math.log(2)
    torch.testing.assert_close(exact, log_p.logsumexp(0))


def test_a_model_of_many_or_continuous_codes_is_not_enumerable():
    assert not is_enumerable(categorical_model(classes=10, latent_dim=20))
    assert not is_enumerable(vaekit.build("mlp", small_images(), latent_dim=2))


# --- Batches and processes -------------------------------------------------------------------


def noisy_model():
    """A model whose bound depends on the noise of an example."""
    return vaekit.build("mlp", small_images(), latent_dim=2).double().eval()


def equal_examples(model, count: int) -> ModelInputs:
    x = np.broadcast_to(np.float64(0.3), (count, *model.data_shape))
    return ModelInputs(x, Transform("unit"))


@pytest.mark.parametrize("samples", [1, 3])
def test_equal_examples_of_different_batches_have_different_noise(samples):
    model = noisy_model()
    inputs = equal_examples(model, 1100)
    terms = elbo_per_example(model, inputs, samples=samples)
    assert len(terms.reconstruction.unique()) == 1100
    assert len(importance_weighted_bound(model, inputs, samples).unique()) == 1100


def test_sums_over_processes_are_those_of_one_process():
    model = noisy_model()
    inputs = equal_examples(model, 2600)
    terms = elbo_per_example(model, inputs, seed=5)
    bound = importance_weighted_bound(model, inputs, 2, seed=5)
    columns = [terms.loss, terms.reconstruction, terms.divergence, -bound, torch.ones(2600)]
    expected = torch.stack([column.sum().double() for column in columns])
    sums = [bound_sums(model, inputs, ProcessInfo(rank, 3), samples=2, seed=5) for rank in range(3)]
    torch.testing.assert_close(torch.stack(sums).sum(0), expected)
    alone = elbo_sums(model, inputs, ProcessInfo(), seed=5)
    torch.testing.assert_close(alone, expected[[0, 1, 2, 4]])
