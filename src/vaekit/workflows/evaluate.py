"""Evaluate a run on held-out data."""

import os
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vaekit.arguments import whole_number
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError
from vaekit.evaluation.ais import ais_bound
from vaekit.evaluation.bits_per_dimension import is_dequantized
from vaekit.evaluation.catalogue import NATS
from vaekit.evaluation.class_accuracy import class_accuracy
from vaekit.evaluation.code_usage import CodeUsage, code_usage
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
    GeneratedClassAccuracy,
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
from vaekit.runtime.library_call import library_call
from vaekit.runtime.terminal_progress import format_duration, progress_lines

MAX_SAMPLES = 1_000_000
NO_DIVERGENCE = (
    "a deterministic posterior has no finite divergence, so the loss is the reconstruction alone"
)
MIN_ANNOUNCED_SECONDS = 5.0
"""Shorter evaluations are not announced."""
OTHER_DATA = "samples are compared with the dataset of the run, not with other data"


@progress_lines()
@library_call
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
    check_features(features)
    _check_range(0, MAX_SAMPLES, ais_steps=ais_steps, generated_examples=generated_examples)
    _check_range(0, MAX_SAMPLES, class_accuracy_samples=class_accuracy_samples)
    _check_range(1, MAX_SAMPLES, ais_chains=ais_chains)
    if importance_samples is not None:
        _check_range(1, MAX_SAMPLES, importance_samples=importance_samples)
    if max_examples is not None:
        _check_range(1, None, max_examples=max_examples)
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
    evaluator = _Evaluator(run, inputs, own, part, terms, seed)
    bound, bits = evaluator.bounds(importance)
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
        generated_class_accuracy=evaluator.class_accuracy(class_accuracy_samples),
        sample_quality=evaluator.sample_quality(generated_examples, features),
        ais_bound=evaluator.ais(ais_steps, ais_chains),
        latent=evaluator.latent(),
        reconstructions=evaluator.reconstructions(),
        exact_log_likelihood=evaluator.exact(),
        codes=evaluator.codes(),
        unavailable=evaluator.unavailable or None,
    )


@dataclass(frozen=True)
class _Evaluator:
    """Computes each result on its own: one that fails is unavailable, and the others stand.

    Attributes:
        run: The run.
        inputs: The examples evaluated.
        own: The run with its own dataset; None if the examples are other data.
        part: The part of the dataset.
        terms: The terms of the loss per example.
        seed: Seed of the noise.
        unavailable: Why results without a metric of their own are missing, by name.
    """

    run: Run
    inputs: ModelInputs
    own: RunData | None
    part: str
    terms: ExampleTerms
    seed: int
    unavailable: dict[str, str] = field(default_factory=dict)

    def bounds(self, importance: ImportanceSampling) -> tuple[Metric, BitsMetric]:
        """The importance-weighted bound and the bits per dimension, or why there are none."""
        if not self.terms.divergence.shape[1]:
            reason = Metric(None, unavailable=NO_BOUND)
            return reason, BitsMetric(reason)
        return attempt(
            lambda: marginal_likelihood(self.run, self.inputs, importance, seed=self.seed),
            lambda failed: (failed, BitsMetric(failed)),
        )

    def class_accuracy(self, samples: int) -> GeneratedClassAccuracy | None:
        """Class accuracy of a conditional run; None without samples."""
        if not samples:
            return None
        return attempt(
            lambda: class_accuracy(self.own or RunData.load(self.run), samples, self.seed),
            partial(self._note, "generated_class_accuracy"),
        )

    def sample_quality(self, count: int, features: str | None) -> SampleQuality | None:
        """Samples compared with the examples, if these are of the run's dataset."""
        own = self.own
        if not count:
            return None
        if own is None:
            return SampleQuality(unavailable=OTHER_DATA)
        options = {"count": count, "features": features, "seed": self.seed}
        return attempt(
            lambda: sample_quality(self.inputs, own, self.part, **options),
            lambda failed: SampleQuality(unavailable=failed.unavailable),
        )

    def ais(self, steps: int, chains: int) -> AISMetric | None:
        """The bound of annealed importance sampling; None without steps."""
        if not steps:
            return None
        return attempt(
            lambda: self._ais(steps, chains), lambda failed: AISMetric(failed, steps, chains, None)
        )

    def _ais(self, steps: int, chains: int) -> AISMetric:
        options = {"steps": steps, "chains": chains, "seed": self.seed}
        annealed = ais_bound(self.run.model, self.inputs, **options)
        return AISMetric(Metric.mean_of(annealed.bound), steps, chains, annealed.acceptance)

    def latent(self) -> LatentMetrics:
        """Metrics of the latent space."""
        return attempt(
            lambda: latent_metrics(self.run, self.inputs, self.terms, self.own, seed=self.seed),
            self._no_latent_metrics,
        )

    def _no_latent_metrics(self, failed: Metric) -> LatentMetrics:
        warning = f"no metrics of the latent space: {failed.unavailable}."
        dimensions = self.run.model.latent_shape.numel()
        return LatentMetrics(len(self.inputs), dimensions, warnings=(warning,))

    def reconstructions(self) -> dict[str, Metric]:
        """Fidelity of reconstructions by metric name."""
        return attempt(
            lambda: reconstruction_quality(self.run, self.inputs), lambda failed: {"mse": failed}
        )

    def exact(self) -> Metric | None:
        """log p(x); None if z has too many values."""
        return attempt(self._exact, lambda failed: failed)

    def _exact(self) -> Metric | None:
        if not is_enumerable(self.run.model):
            return None
        return Metric.mean_of(exact_log_likelihood(self.run.model, self.inputs))

    def codes(self) -> CodeUsage | None:
        """Use of discrete codes; None if z is continuous."""
        return attempt(
            lambda: code_usage(self.run.model, self.inputs), partial(self._note, "codes")
        )

    def _note(self, name: str, failed: Metric) -> None:
        self.unavailable[name] = str(failed.unavailable)


def _announce(seconds: float, passes: dict[str, float]) -> None:
    """Print the estimated duration, and the option that most of it is spent on."""
    total = seconds * sum(passes.values())
    if total < MIN_ANNOUNCED_SECONDS:
        return
    option = max(passes, key=lambda name: passes[name])
    share = f", {format_duration(seconds * passes[option])} of it for {option}" if option else ""
    print(f"estimated duration: {format_duration(total)}{share}", file=sys.stderr, flush=True)


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


def _check_conditional(run: Run) -> None:
    if not run.model.classes:
        raise ConfigError(
            "class accuracy needs a conditional run. Train with conditional=true.",
            parameter="class_accuracy_samples",
        )


def _check_range(minimum: int, maximum: int | None, **options: Any) -> None:
    """ConfigError for an option that is not a whole number in the range, by its name."""
    for name, value in options.items():
        whole_number(name, value, minimum, maximum)
