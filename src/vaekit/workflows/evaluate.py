"""Evaluate a run on held-out data."""

import os
import sys
from functools import partial
from numbers import Integral
from typing import Any

from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError
from vaekit.evaluation.ais import ais_bound
from vaekit.evaluation.bits_per_dimension import is_dequantized
from vaekit.evaluation.catalogue import NATS
from vaekit.evaluation.class_accuracy import class_accuracy
from vaekit.evaluation.code_usage import code_usage
from vaekit.evaluation.duration import count_passes, seconds_per_pass
from vaekit.evaluation.exact import exact_log_likelihood, is_enumerable
from vaekit.evaluation.latent_metrics import latent_metrics
from vaekit.evaluation.marginal_likelihood import (
    NO_BOUND,
    ImportanceSampling,
    marginal_likelihood,
    plan_importance_sampling,
)
from vaekit.evaluation.metric import Metric, attempt
from vaekit.evaluation.protocol import protocol
from vaekit.evaluation.results import (
    AISMetric,
    BitsMetric,
    Evaluation,
    LatentMetrics,
    SampleQuality,
    TermMetrics,
)
from vaekit.evaluation.sample_quality import (
    check_features,
    reconstruction_quality,
    sample_quality,
)
from vaekit.inference.bounds import ExampleTerms, elbo_per_example
from vaekit.inputs import ModelInputs
from vaekit.inputs.tracked import track_inputs
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import select_evaluation_examples
from vaekit.runs.run_data import RunData
from vaekit.runtime.device import keep_freed_memory
from vaekit.runtime.terminal_progress import format_duration, progress_lines
from vaekit.runtime.torch_state import default_torch_state

MAX_SAMPLES = 1_000_000
NO_DIVERGENCE = (
    "a deterministic posterior has no finite divergence, so the loss is the reconstruction alone"
)
MIN_ANNOUNCED_SECONDS = 5.0
"""Shorter evaluations are not announced."""
OTHER_DATA = "samples are compared with the dataset of the run, not with other data"


@progress_lines()
@default_torch_state()
def evaluate(
    run: Run | str | os.PathLike,
    *,
    split: SplitName | None = None,
    data: Any = None,
    max_examples: int | None = None,
    importance_samples: int | None = None,
    ais_steps: int = 0,
    ais_chains: int = 16,
    generated_examples: int = 10_000,
    features: str | None = None,
    class_accuracy_samples: int = 0,
    seed: int = 0,
) -> Evaluation:
    """Evaluate a run on held-out data: likelihood, latent space, reconstructions and samples.

    Args:
        run: A run or its folder.
        split: The part of the run's dataset; default test.
        data: Other data; the run's own dataset is split as in training.
        max_examples: Evaluate only the first N examples.
        importance_samples: K of the importance-weighted bound, which rises with K; default 20, for
            a large model on a random part of the examples, which the result states.
        ais_steps: Steps of annealed importance sampling, a closer bound; 0 for none.
        ais_chains: AIS chains per example.
        generated_examples: Samples that are compared with as many test examples; 0 for none.
        features: What samples are compared by: components, classifier, or a file of Inception
            weights; default by the data.
        class_accuracy_samples: Samples per class of a conditional run that a classifier, trained
            for it, is applied to; 0 for none.
        seed: Seed of the noise.

    Returns:
        Metrics with standard errors, and their protocol.

    Raises:
        ConfigError: Options that are out of range or do not suit the run.
        DataError: Data that are missing, have changed or do not suit the model.

    >>> evaluation = evaluate("runs/conv", importance_samples=5)
    >>> evaluation.terms.loss.value > evaluation.terms.reconstruction.value
    True
    """
    _check_range(1, MAX_SAMPLES, ais_chains=ais_chains)
    if importance_samples is not None:
        _check_range(1, MAX_SAMPLES, importance_samples=importance_samples)
    _check_range(0, MAX_SAMPLES, ais_steps=ais_steps, generated_examples=generated_examples)
    _check_range(0, MAX_SAMPLES, class_accuracy_samples=class_accuracy_samples)
    if max_examples is not None:
        _check_range(1, None, max_examples=max_examples)
    check_features(features)
    run = as_run(run)
    if class_accuracy_samples:
        _check_conditional(run)
    examples, part, own = select_evaluation_examples(run, split, data)
    inputs = run.inputs(examples)
    if max_examples is not None:
        inputs = inputs.first(max_examples)
    keep_freed_memory()
    importance = plan_importance_sampling(run.model, len(inputs), importance_samples)
    passes = count_passes(
        len(inputs),
        importance=importance,
        dequantized=is_dequantized(run),
        ais_steps=ais_steps,
        ais_chains=ais_chains,
        generated_examples=generated_examples,
    )
    _announce(seconds_per_pass(run.model, inputs), passes)
    inputs = track_inputs(inputs)

    terms = elbo_per_example(run.model, inputs, seed=seed)
    bound, bits = attempt(
        partial(_bounds, run, inputs, terms, importance, seed),
        lambda failed: (failed, BitsMetric(failed)),
    )
    unavailable: dict[str, str] = {}
    accuracy = None
    if class_accuracy_samples:
        accuracy = attempt(
            lambda: class_accuracy(own or RunData.load(run), class_accuracy_samples, seed),
            partial(_note, unavailable, "generated_class_accuracy"),
        )
    samples = None
    if generated_examples:
        samples = attempt(
            partial(_sample_quality, inputs, own, part, generated_examples, features, seed),
            lambda failed: SampleQuality(unavailable=failed.unavailable),
        )
    ais = None
    if ais_steps:
        ais = attempt(
            partial(_ais, run, inputs, ais_steps, ais_chains, seed),
            lambda failed: AISMetric(failed, ais_steps, ais_chains, None),
        )

    return Evaluation(
        run=str(run.path),
        data=_data_source(run, data),
        split=part,
        examples=len(inputs),
        unit=NATS,
        importance_samples=importance.samples,
        bound_examples=importance.examples,
        seed=seed,
        protocol=protocol(run),
        terms=term_metrics(terms),
        importance_weighted_bound=bound,
        bits_per_dimension=bits,
        latent=attempt(
            partial(latent_metrics, run, inputs, terms, own, seed=seed),
            partial(_failed_latent_metrics, run, len(inputs)),
        ),
        reconstructions=attempt(
            partial(reconstruction_quality, run, inputs), lambda failed: {"mse": failed}
        ),
        ais_bound=ais,
        exact_log_likelihood=attempt(partial(_exact, run, inputs), lambda failed: failed),
        sample_quality=samples,
        codes=attempt(partial(code_usage, run.model, inputs), partial(_note, unavailable, "codes")),
        generated_class_accuracy=accuracy,
        unavailable=unavailable or None,
    )


def _announce(seconds: float, passes: dict[str, float]) -> None:
    """Print the estimated duration, and the option that most of it is spent on."""
    total = seconds * sum(passes.values())
    if total < MIN_ANNOUNCED_SECONDS:
        return
    option = max(passes, key=lambda name: passes[name])
    share = f", {format_duration(seconds * passes[option])} of it for {option}" if option else ""
    print(f"estimated duration: {format_duration(total)}{share}", file=sys.stderr, flush=True)


def _note(reasons: dict[str, str], name: str, failed: Metric) -> None:
    """Note why a result without a metric of its own is missing."""
    reasons[name] = str(failed.unavailable)


def _failed_latent_metrics(run: Run, examples: int, failed: Metric) -> LatentMetrics:
    warning = f"no metrics of the latent space: {failed.unavailable}."
    return LatentMetrics(examples, run.model.latent_shape.numel(), warnings=(warning,))


def _data_source(run: Run, data: Any) -> str:
    if data is None:
        return run.config.data.source
    return str(data) if isinstance(data, str | os.PathLike) else "data in memory"


def term_metrics(terms: ExampleTerms) -> TermMetrics:
    """The mean of the loss and of its two terms, in nats per example."""
    divergence = Metric(None, unavailable=NO_DIVERGENCE)
    if terms.divergence.shape[1]:
        divergence = Metric.mean_of(terms.divergence.sum(-1))
    return TermMetrics(Metric.mean_of(terms.loss), Metric.mean_of(terms.reconstruction), divergence)


def _bounds(
    run: Run, inputs: ModelInputs, terms: ExampleTerms, importance: ImportanceSampling, seed: int
) -> tuple[Metric, BitsMetric]:
    """The importance-weighted bound and the bits per dimension, or why there are none."""
    if not terms.divergence.shape[1]:
        unavailable = Metric(None, unavailable=NO_BOUND)
        return unavailable, BitsMetric(unavailable)
    return marginal_likelihood(run, inputs, importance, seed=seed)


def _ais(run: Run, inputs: ModelInputs, steps: int, chains: int, seed: int) -> AISMetric:
    annealed = ais_bound(run.model, inputs, steps=steps, chains=chains, seed=seed)
    return AISMetric(Metric.mean_of(annealed.bound), steps, chains, annealed.acceptance)


def _exact(run: Run, inputs: ModelInputs) -> Metric | None:
    if not is_enumerable(run.model):
        return None
    return Metric.mean_of(exact_log_likelihood(run.model, inputs))


def _sample_quality(
    inputs: ModelInputs, own: RunData | None, part: str, count: int, features: str | None, seed: int
) -> SampleQuality:
    if own is None:
        return SampleQuality(unavailable=OTHER_DATA)
    return sample_quality(inputs, own, part, count=count, features=features, seed=seed)


def _check_conditional(run: Run) -> None:
    if not run.model.classes:
        raise ConfigError(
            "class accuracy needs a conditional run. Train with conditional=true.",
            parameter="class_accuracy_samples",
        )


def _check_range(minimum: int, maximum: int | None, **options: Any) -> None:
    """ConfigError for an option that is not a whole number in the range, by its name."""
    for name, value in options.items():
        is_in_range = isinstance(value, Integral) and minimum <= int(value)
        if is_in_range and (maximum is None or int(value) <= maximum):
            continue
        upper = "or more" if maximum is None else f"to {maximum:,}"
        raise ConfigError.for_value(name, value, f"a whole number, {minimum:,} {upper}")
