"""The result of an evaluation: typed, and as JSON through `to_dict`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from vaekit import html
from vaekit.evaluation.code_usage import CodeUsage
from vaekit.evaluation.lines import (
    latent_lines,
    likelihood_lines,
    reconstruction_lines,
    sample_lines,
)
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.probes import Probes
from vaekit.json_types import JsonObject


class Result:
    """A frozen dataclass of metrics and facts."""

    def to_dict(self) -> JsonObject:
        """The result as JSON holds it; what does not apply to the run is left out."""
        return {
            field.name: to_json(value)
            for field in fields(self)  # pyright: ignore[reportArgumentType]
            if (value := getattr(self, field.name)) is not None
        }


def to_json(value: Any) -> Any:
    """A value as JSON holds it."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "_asdict"):
        return to_json(value._asdict())
    if isinstance(value, Mapping):
        return {name: to_json(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    assert not is_dataclass(value), type(value)
    return value


@dataclass(frozen=True)
class TermMetrics(Result):
    """The negative ELBO and its two terms, in nats per example."""

    loss: Metric
    reconstruction: Metric
    divergence: Metric


@dataclass(frozen=True)
class BitsMetric(Result):
    """Bits per dimension, at most, and what they are bits of."""

    metric: Metric
    basis: str = ""

    def to_dict(self) -> JsonObject:
        """The metric with its basis."""
        basis = {"basis": self.basis} if self.basis else {}
        return self.metric.to_dict() | basis


@dataclass(frozen=True)
class AISMetric(Result):
    """The bound of annealed importance sampling, and how it was computed."""

    metric: Metric
    steps: int
    chains: int
    acceptance: float | None

    def to_dict(self) -> JsonObject:
        """The metric with the settings of the chains."""
        settings = {"steps": self.steps, "chains": self.chains, "acceptance": self.acceptance}
        return self.metric.to_dict() | settings


@dataclass(frozen=True)
class LatentMetrics(Result):
    """Metrics of the latent space; None for what does not apply to the run.

    Attributes:
        examples: Number of examples, at most 5,000: every code is compared with every other.
        dimensions: Number of latent dimensions.
        active_dimensions: Dimensions whose posterior mean varies by more than 0.01.
        divergence_per_dimension: Mean divergence of each dimension, in nats.
        mutual_information: I(x; z), in nats.
        marginal_kl: KL(q(z) || p(z)), in nats.
        max_mutual_information: log N, the maximum for N examples.
        prior_holes: Fraction of prior samples far from every code.
        probes: Accuracy of classes predicted from codes.
        warnings: What a reader should know, each with what to try.
    """

    examples: int
    dimensions: int
    active_dimensions: int | None = None
    divergence_per_dimension: tuple[float, ...] | None = None
    mutual_information: Metric | None = None
    marginal_kl: Metric | None = None
    max_mutual_information: float | None = None
    prior_holes: float | None = None
    probes: Probes | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SampleMetrics(Result):
    """How close one set of examples is to test examples, by their features."""

    frechet: Metric
    kernel: Metric
    precision: Metric
    recall: Metric
    density: Metric
    coverage: Metric
    nearest_training_distance: Metric


@dataclass(frozen=True)
class SampleQuality(Result):
    """Samples compared with test examples, and other real examples compared in the same way.

    Attributes:
        unavailable: Why there are no metrics; None if there are.
        examples: Number of examples in each set.
        features: Name of the features that sets are compared by.
        values: What samples are: samples or means of p(x|z).
        baseline_of: Which real examples the baseline is of.
        prior: Samples with latent codes from the prior.
        mixture: Samples with latent codes from a mixture over training codes.
        real_data_baseline: Training examples: what samples as good as data would get.
        warnings: What a reader should know.
    """

    unavailable: str | None = None
    examples: int | None = None
    features: str | None = None
    values: str | None = None
    baseline_of: str | None = None
    prior: SampleMetrics | None = None
    mixture: SampleMetrics | None = None
    real_data_baseline: SampleMetrics | None = None
    warnings: tuple[str, ...] = ()

    @property
    def sources(self) -> dict[str, SampleMetrics]:
        """The sets of examples that were compared, by name."""
        names = ("prior", "mixture", "real_data_baseline")
        return {name: each for name in names if (each := getattr(self, name)) is not None}


@dataclass(frozen=True)
class ClassAccuracy(Result):
    """Accuracy of a classifier on samples of one class, and on its test examples."""

    accuracy: float
    classifier_accuracy: float | None


@dataclass(frozen=True)
class GeneratedClassAccuracy(Result):
    """How often a classifier recognizes the class that samples were generated for.

    Attributes:
        accuracy: Over all classes.
        standard_error: Of this accuracy; None for one sample per class.
        classifier_accuracy: Accuracy of the classifier on test examples.
        classifier_examples: Number of these.
        samples_per_class: Samples of each class.
        per_class: The accuracies by class name.
    """

    accuracy: float
    standard_error: float | None
    classifier_accuracy: float | None
    classifier_examples: int
    samples_per_class: int
    per_class: dict[str, ClassAccuracy]


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """Everything that `vaekit.evaluate` measured, with its protocol.

    Attributes:
        run: The run folder.
        data: The data evaluated.
        split: The part of the data.
        examples: Number of examples.
        unit: Unit of the likelihood metrics.
        importance_samples: K of the importance-weighted bound.
        bound_examples: Number of examples of this bound and of bits per dimension.
        seed: Seed of the noise.
        protocol: What must agree for metrics to be compared.
        terms: Loss, reconstruction and divergence.
        importance_weighted_bound: A bound of log p(x) from K samples.
        bits_per_dimension: The bound per dimension.
        latent: Metrics of the latent space.
        reconstructions: Fidelity of reconstructions by metric name.
        ais_bound: A closer bound, if asked for.
        exact_log_likelihood: log p(x), if z has few values.
        sample_quality: Quality of samples, if asked for.
        codes: Use of discrete codes.
        generated_class_accuracy: Class accuracy of a conditional run, if asked for.
        unavailable: Why results that are missing could not be computed, by their name.
    """

    run: str
    data: str
    split: str
    examples: int
    unit: str
    importance_samples: int
    bound_examples: int
    seed: int
    protocol: dict[str, str]
    terms: TermMetrics
    importance_weighted_bound: Metric
    bits_per_dimension: BitsMetric
    latent: LatentMetrics
    reconstructions: dict[str, Metric]
    ais_bound: AISMetric | None = None
    exact_log_likelihood: Metric | None = None
    sample_quality: SampleQuality | None = None
    codes: CodeUsage | None = None
    generated_class_accuracy: GeneratedClassAccuracy | None = None
    unavailable: dict[str, str] | None = None

    @property
    def likelihood_metrics(self) -> dict[str, Metric]:
        """The metrics of the likelihood by name, in the order of the catalogue."""
        metrics = {
            "loss": self.terms.loss,
            "reconstruction": self.terms.reconstruction,
            "divergence": self.terms.divergence,
            "importance_weighted_bound": self.importance_weighted_bound,
            "ais_bound": None if self.ais_bound is None else self.ais_bound.metric,
            "exact_log_likelihood": self.exact_log_likelihood,
            "bits_per_dimension": self.bits_per_dimension.metric,
        }
        return {name: metric for name, metric in metrics.items() if metric is not None}

    @property
    def bound_size(self) -> str:
        """K of the importance-weighted bound, and its examples if they are fewer, in words."""
        size = f"K = {self.importance_samples}"
        if self.bound_examples < self.examples:
            size += f", {self.bound_examples:,} examples"
        return size

    @property
    def title(self) -> str:
        """The run, and the examples that it was evaluated on."""
        unit = "example" if self.examples == 1 else "examples"
        part = f"{self.split} of {self.data}"
        return f"{self.run}: {self.examples:,} {unit} ({part}), seed {self.seed}"

    def __repr__(self) -> str:
        """The title and the metrics of the likelihood, one per line."""
        lines = [f"{line.title}: {line.value}" for line in likelihood_lines(self)]
        return "\n  ".join([f"Evaluation of {self.title}", *lines])

    def _repr_html_(self) -> str:
        """All metrics in tables, and warnings."""
        sections = {
            "Likelihood": likelihood_lines(self),
            "Latent space": latent_lines(self.latent),
            "Reconstructions": reconstruction_lines(self),
            "Samples": sample_lines(self.sample_quality),
        }
        tables = (html.section(title, lines) for title, lines in sections.items())
        warnings = self.latent.warnings
        if self.sample_quality is not None:
            warnings += self.sample_quality.warnings
        notes = (html.note(f"warning: {warning}") for warning in warnings)
        return html.card(f"Evaluation of {self.title}", *tables, *notes)

    def to_dict(self) -> JsonObject:
        """The evaluation as JSON holds it; loss, reconstruction and divergence are at the top."""
        content = super().to_dict()
        return content | content.pop("terms")
