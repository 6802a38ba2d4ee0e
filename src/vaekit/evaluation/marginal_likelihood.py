"""Bounds of log p(x) from importance samples, within a stated amount of computation."""

from typing import NamedTuple

from vaekit.core.operations import decoding_operations
from vaekit.core.vae import VAE
from vaekit.evaluation.bits_per_dimension import bits_per_dimension
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.results import BitsMetric
from vaekit.inference.bounds import importance_weighted_bound
from vaekit.inputs import ModelInputs
from vaekit.runs import Run

DEFAULT_SAMPLES = 20
DECODING_BUDGET = 2.5e12
"""Floating-point operations: the net of the Keras example decodes 20 samples of 10,900 images."""
MIN_EXAMPLES = 20
NO_BOUND = "a deterministic posterior gives no bound of log p(x)"


class ImportanceSampling(NamedTuple):
    """The size of an importance-weighted bound.

    Attributes:
        samples: K, samples of z per example.
        examples: Number of examples.
    """

    samples: int
    examples: int


def plan_importance_sampling(model: VAE, examples: int, samples: int | None) -> ImportanceSampling:
    """K samples of all examples; or, without K, 20 of as many examples as a budget allows.

    A large decoder thus gets a bound of fewer examples with the same K, which estimates the same
    mean with a larger standard error; fewer samples would lower the bound itself.

    Args:
        model: The model.
        examples: Number of examples evaluated.
        samples: K; None for the default.

    >>> plan_importance_sampling(run.model, 10_000, None)
    ImportanceSampling(samples=20, examples=10000)
    """
    if samples is not None:
        return ImportanceSampling(samples, examples)
    operations = max(decoding_operations(model), 1)
    affordable = int(DECODING_BUDGET / (DEFAULT_SAMPLES * operations))
    return ImportanceSampling(DEFAULT_SAMPLES, min(examples, max(affordable, MIN_EXAMPLES)))


def marginal_likelihood(
    run: Run, inputs: ModelInputs, importance: ImportanceSampling, *, seed: int
) -> tuple[Metric, BitsMetric]:
    """The importance-weighted bound, in nats, and the bits per dimension that it allows.

    Args:
        run: A run whose posterior is not deterministic.
        inputs: The examples evaluated; if the bound has fewer, random ones of them.
        importance: The size of the bound.
        seed: Seed of the noise and of the choice of examples.
    """
    if importance.examples < len(inputs):
        inputs = inputs.random(importance.examples, seed)
    bound = importance_weighted_bound(run.model, inputs, importance.samples, seed=seed)
    bits = bits_per_dimension(run, inputs, bound, importance.samples, seed=seed)
    return Metric.mean_of(bound), bits
