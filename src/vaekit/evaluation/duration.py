"""The duration of an evaluation, estimated from the pace of a batch before it begins."""

import time

from vaekit.core.vae import VAE
from vaekit.evaluation.ais import LEAPFROG_STEPS
from vaekit.evaluation.marginal_likelihood import ImportanceSampling
from vaekit.inference.bounds import elbo_per_example
from vaekit.inputs import ModelInputs, max_batch_examples, values_per_example

GRADIENT_PASSES = 3
"""A gradient takes about as long as this many passes through the model."""
AIS_RUNS = 2
"""Chains that adapt step sizes, and chains that count."""
SAMPLE_SETS = 3
DECODER_SHARE = 0.5
"""The decoder's part of a pass; most latent codes are decoded only."""
SINGLE_PASSES = 3.0
"""Loss, latent codes, reconstructions."""
FIRST_BATCH = 8
MEASURED_SECONDS = 0.2


def seconds_per_pass(model: VAE, inputs: ModelInputs) -> float:
    """Seconds that all examples take once through the model, by the pace of some of them.

    Small batches of a large model tell its pace as well as large ones, which it would take long to
    spend on the question: a batch doubles until its time is long enough to be measured.

    >>> seconds_per_pass(run.model, run.inputs(images)) > 0
    True
    """
    largest = min(len(inputs), max_batch_examples(values_per_example(model)))
    size = min(FIRST_BATCH, largest)
    elbo_per_example(model, inputs.first(size))  # the first is slower
    while (seconds := _seconds(model, inputs.first(size))) < MEASURED_SECONDS and size < largest:
        size = min(2 * size, largest)
    return seconds * len(inputs) / size


def _seconds(model: VAE, batch: ModelInputs) -> float:
    started = time.monotonic()
    elbo_per_example(model, batch)
    return time.monotonic() - started


def count_passes(
    examples: int,
    *,
    importance: ImportanceSampling,
    dequantized: bool,
    ais_steps: int,
    ais_chains: int,
    generated_examples: int,
) -> dict[str, float]:
    """How many times the examples go through the model, or as many others do.

    Args:
        examples: N.
        importance: The size of the importance-weighted bound.
        dequantized: Whether the bound is computed a second time, on dequantized levels.
        ais_steps: Steps of annealed importance sampling; 0 for none.
        ais_chains: Chains per example.
        generated_examples: Samples that are compared with examples.

    Returns:
        The passes by the option that they are made for; "" for passes of every evaluation.

    >>> options = {"ais_steps": 0, "ais_chains": 16, "generated_examples": 0}
    >>> count_passes(10, importance=ImportanceSampling(20, 10), dequantized=True, **options)
    {'': 3.0, 'importance_samples': 20.0, 'ais_steps': 0.0, 'generated_examples': 0.0}
    """
    bound = importance.samples * importance.examples / examples
    gradients = AIS_RUNS * ais_steps * (LEAPFROG_STEPS + 1) * GRADIENT_PASSES
    decoded = {
        "importance_samples": bound * (2 if dequantized else 1),
        "ais_steps": ais_chains * gradients,
        "generated_examples": SAMPLE_SETS * min(generated_examples, examples) / examples,
    }
    return {"": SINGLE_PASSES} | {name: DECODER_SHARE * count for name, count in decoded.items()}
