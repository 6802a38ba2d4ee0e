"""An evaluation as lines of text: for the report, and for tables in a notebook."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from vaekit import html
from vaekit.evaluation.catalogue import (
    LATENT,
    LIKELIHOOD,
    RECONSTRUCTION,
    SAMPLE_SOURCES,
    SAMPLES,
    MetricInfo,
)
from vaekit.evaluation.metric import Metric

if TYPE_CHECKING:
    from vaekit.evaluation.results import Evaluation, LatentMetrics, SampleQuality


class Line(NamedTuple):
    """A line of a table: title, value, explanation."""

    title: str
    value: str
    meaning: str


def _metric_lines(infos: Mapping[str, MetricInfo], metrics: Mapping[str, Metric]) -> Iterator[Line]:
    for name, info in infos.items():
        if name in metrics:
            value = html.format_metric(metrics[name], info.digits)
            reason = metrics[name].unavailable
            yield Line(info.heading, value, reason or info.explanation)


def likelihood_lines(evaluation: "Evaluation") -> Iterator[Line]:
    """The metrics of the likelihood."""
    for line in _metric_lines(LIKELIHOOD, evaluation.likelihood_metrics):
        meaning = line.meaning
        if line.title == LIKELIHOOD["importance_weighted_bound"].heading:
            meaning += f" {evaluation.bound_size}."
        if line.title == LIKELIHOOD["bits_per_dimension"].heading:
            basis = evaluation.bits_per_dimension.basis
            meaning += f" Bits of {basis}." if basis else ""
        yield line._replace(meaning=meaning)


def latent_lines(latent: "LatentMetrics") -> Iterator[Line]:
    """The metrics of the latent space."""
    for name, value in _latent_values(latent).items():
        info = LATENT[name]
        yield Line(info.title if "%" in info.unit else info.heading, value, info.explanation)


def _latent_values(latent: "LatentMetrics") -> dict[str, str]:
    """The metrics of the latent space by name, as text."""
    values: dict[str, str] = {}
    if latent.active_dimensions is not None:
        values["active_dimensions"] = f"{latent.active_dimensions} of {latent.dimensions}"
    if latent.mutual_information is not None:
        values["mutual_information"] = html.format_metric(latent.mutual_information)
    if latent.marginal_kl is not None:
        values["marginal_kl"] = html.format_metric(latent.marginal_kl)
    if latent.prior_holes is not None:
        values["prior_holes"] = f"{latent.prior_holes:.1%}"
    if latent.probes is not None:
        probes = latent.probes
        values["probes"] = f"{probes.linear:.1%} linear, {probes.nearest:.1%} nearest neighbors"
    return values


def reconstruction_lines(evaluation: "Evaluation") -> Iterator[Line]:
    """The metrics of reconstructions."""
    return _metric_lines(RECONSTRUCTION, evaluation.reconstructions)


def sample_lines(quality: "SampleQuality | None") -> Iterator[Line]:
    """The metrics of samples, each of all sources."""
    if quality is None:
        return
    for name, info in SAMPLES.items():
        values = (
            f"{SAMPLE_SOURCES[source]}: {html.format_metric(getattr(metrics, name), info.digits)}"
            for source, metrics in quality.sources.items()
        )
        yield Line(info.heading, "\n".join(values), info.explanation)
