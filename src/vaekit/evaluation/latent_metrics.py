"""Metrics of a run's latent space, and warnings about it."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from vaekit.core.distributions import is_deterministic, is_discrete
from vaekit.data.splits import SplitName
from vaekit.evaluation.latent import (
    ACTIVE_VARIANCE,
    AggregatePosterior,
    EncodedExamples,
    aggregate_posterior,
    encode_all,
    latent_activity,
    prior_holes,
)
from vaekit.evaluation.metric import Metric, attempt
from vaekit.evaluation.probes import Probes, probe
from vaekit.evaluation.results import LatentMetrics
from vaekit.inference.bounds import ExampleTerms
from vaekit.inputs import ModelInputs
from vaekit.runs import Run
from vaekit.runs.run_data import RunData

MAX_LATENT_EXAMPLES = 5_000
PROBE_EXAMPLES = 10_000
MIN_EXAMPLES = 20
"""Of fewer, the variance over examples and the information are too rough for a warning."""
MANY_HOLES = 0.1
LITTLE_INFORMATION = 0.1
"""Nats of mutual information below which a warning is due."""


def latent_metrics(
    run: Run, inputs: ModelInputs, terms: ExampleTerms, own: RunData | None, *, seed: int
) -> LatentMetrics:
    """Active dimensions, divergence per dimension, information, prior holes, probes and warnings.

    Args:
        run: The run.
        inputs: The examples evaluated.
        terms: Their loss terms.
        own: The run's own data, from which probes are trained; None without.
        seed: Seed of the noise.
    """
    codes = encode_all(run.model, inputs.first(MAX_LATENT_EXAMPLES), seed=seed)
    q = codes.posteriors[0]
    count, dimensions = codes.points.shape
    has_one_prior = not run.model.prior_distribution(run.model.dummy_condition(1)).batch_shape
    comparable = count > 1 and has_one_prior
    has_activity = count > 1 and not is_discrete(q)  # a variance over examples
    failures: list[str] = []
    probes = None
    if own is not None and own.dataset.labeled:
        probes = attempt(partial(_probes, own, seed), partial(_warn, failures, "probes"))
    metrics = LatentMetrics(
        examples=count,
        dimensions=dimensions,
        active_dimensions=_active_dimensions(codes) if has_activity else None,
        divergence_per_dimension=_divergence_per_dimension(terms),
        probes=probes,
    )
    if comparable and (is_discrete(q) or not is_deterministic(q)):
        information = attempt(
            partial(aggregate_posterior, run.model, codes),
            lambda failed: AggregatePosterior(failed, failed),
        )
        metrics = replace(
            metrics,
            mutual_information=information.mutual_information,
            marginal_kl=information.marginal_kl,
            max_mutual_information=math.log(count),
        )
        if reason := information.mutual_information.unavailable:
            failures.append(f"no mutual information: {reason}.")
    if comparable and not is_discrete(q):
        holes = attempt(
            partial(prior_holes, run.model, codes, seed=seed),
            partial(_warn, failures, "prior holes"),
        )
        metrics = replace(metrics, prior_holes=holes)
    return replace(metrics, warnings=(*failures, *_warnings(metrics)))


def _warn(failures: list[str], name: str, failed: Metric) -> None:
    failures.append(f"no {name}: {failed.unavailable}.")


def _active_dimensions(codes: EncodedExamples) -> int:
    return int((latent_activity(codes) > ACTIVE_VARIANCE).sum())


def _divergence_per_dimension(terms: ExampleTerms) -> tuple[float, ...] | None:
    if terms.divergence.shape[1] < 2:
        return None
    return tuple(terms.divergence.mean(0).tolist())


def _probes(own: RunData, seed: int) -> Probes:
    """Accuracy of classes predicted from codes: trained on training, tested on test examples."""
    return probe(*_codes_and_labels(own, "train", seed), *_codes_and_labels(own, "test", seed))


def _codes_and_labels(own: RunData, split: SplitName, seed: int) -> tuple[np.ndarray, np.ndarray]:
    labeled = own.labeled_inputs(split).random(PROBE_EXAMPLES, seed)
    y = labeled.labels()
    assert y is not None
    inputs = labeled if own.run.model.classes else labeled.without_labels()
    return encode_all(own.run.model, inputs, seed=seed).points.numpy(), y


def _warnings(metrics: LatentMetrics) -> Iterator[str]:
    if metrics.examples < MIN_EXAMPLES:
        yield (
            "metrics of the latent space are rough with few examples: "
            f"got {metrics.examples}, expected at least {MIN_EXAMPLES}. Evaluate more examples."
        )
        return
    yield from _collapse_warnings(metrics)
    if metrics.prior_holes is not None and metrics.prior_holes > MANY_HOLES:
        yield (
            f"{metrics.prior_holes:.0%} of prior samples are far from every code, in regions "
            "where the decoder has not been trained: samples may not look like data. "
            "Sample latent codes from a mixture, or try a larger objective.beta."
        )
    information = metrics.mutual_information
    maximum = metrics.max_mutual_information
    if information is None or information.value is None or maximum is None:
        return
    if information.value > maximum - 1:
        yield (
            f"mutual information is close to {maximum:.2f} nats, the maximum for "
            f"{metrics.examples:,} examples: it may be larger, and KL(q(z) || p(z)) smaller. "
            "Evaluate more examples."
        )


def _collapse_warnings(metrics: LatentMetrics) -> Iterator[str]:
    size = metrics.dimensions
    inactive = 0 if metrics.active_dimensions is None else size - metrics.active_dimensions
    information = metrics.mutual_information
    value = None if information is None else information.value
    is_low = value is not None and value < LITTLE_INFORMATION
    if inactive == size or is_low:
        yield (
            "latent codes carry almost no information about examples, the decoder ignores z "
            "(posterior collapse). Try objective.beta below 1, objective.warmup, "
            "objective.free_bits, or a weaker decoder."
        )
    elif inactive:
        yield (
            f"{inactive} of {size} latent dimensions are inactive: latent_dim={size - inactive} "
            "would do."
        )
