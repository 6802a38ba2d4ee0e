"""The page of a report: an evaluation, every metric explained, as one HTML file."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vaekit import html
from vaekit.errors import ConfigError
from vaekit.evaluation.catalogue import (
    LATENT,
    LIKELIHOOD,
    RECONSTRUCTION,
    SAMPLE_SOURCES,
    SAMPLES,
    MetricInfo,
)
from vaekit.evaluation.metric import Metric
from vaekit.evaluation.results import Evaluation, LatentMetrics, SampleQuality
from vaekit.run_plots.captions import CAPTIONS

TEMPLATE = "report.html.jinja"
SECTION_PLOTS = {
    "likelihood": ("losses", "curves"),
    "latent": ("latent", "dimensions", "usage", "grid"),
    "reconstructions": ("reconstructions",),
    "samples": ("samples", "classes", "nearest"),
}
"""The plots of each section."""


class Line(NamedTuple):
    """A line of a table: title, value, explanation."""

    title: str
    value: str
    meaning: str


def render_report(
    evaluation: Evaluation,
    *,
    title: str,
    latent_dim: int | None,
    config: str,
    plots: Path,
    findings: Sequence[str] = (),
) -> str:
    """The HTML of the report.

    Args:
        evaluation: The evaluation.
        title: Title of the page.
        latent_dim: Number of latent dimensions.
        config: The text of config.yaml.
        plots: The folder of the plots to show, each beside the table that it explains.
        findings: The verdict about the run, one sentence each.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed. Install jinja2.") from None
    environment = Environment(
        loader=PackageLoader("vaekit.report", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(TEMPLATE).render(
        title=title,
        evaluation=evaluation,
        dimensions=f"{latent_dim} latent dimension{'' if latent_dim == 1 else 's'}",
        likelihood=list(_likelihood_lines(evaluation)),
        latent=list(_latent_lines(evaluation.latent)),
        reconstructions=list(_metric_lines(RECONSTRUCTION, evaluation.reconstructions)),
        samples=list(_sample_lines(evaluation.sample_quality)),
        plots={section: list(_plots(plots, names)) for section, names in SECTION_PLOTS.items()},
        findings=findings,
        config=config,
    )


def _metric_lines(infos: Mapping[str, MetricInfo], metrics: Mapping[str, Metric]) -> Iterator[Line]:
    for name, info in infos.items():
        if name in metrics:
            value = html.format_metric(metrics[name], info.digits)
            reason = metrics[name].unavailable
            yield Line(info.heading, value, reason or info.explanation)


def _likelihood_lines(evaluation: Evaluation) -> Iterator[Line]:
    for line in _metric_lines(LIKELIHOOD, evaluation.likelihood_metrics):
        meaning = line.meaning
        if line.title == LIKELIHOOD["importance_weighted_bound"].heading:
            meaning += f" K = {evaluation.importance_samples}."
        if line.title == LIKELIHOOD["bits_per_dimension"].heading:
            basis = evaluation.bits_per_dimension.basis
            meaning += f" Bits of {basis}." if basis else ""
        yield line._replace(meaning=meaning)


def _latent_lines(latent: LatentMetrics) -> Iterator[Line]:
    for name, value in latent_values(latent).items():
        info = LATENT[name]
        yield Line(info.title if "%" in info.unit else info.heading, value, info.explanation)


def latent_values(latent: LatentMetrics) -> dict[str, str]:
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


def _sample_lines(quality: SampleQuality | None) -> Iterator[Line]:
    if quality is None:
        return
    for name, info in SAMPLES.items():
        values = (
            f"{SAMPLE_SOURCES[source]}: {html.format_metric(getattr(metrics, name), info.digits)}"
            for source, metrics in quality.sources.items()
        )
        yield Line(info.heading, "\n".join(values), info.explanation)


def _plots(folder: Path, names: Sequence[str]) -> Iterator[dict[str, str]]:
    for name in names:
        path = folder / f"{name}.png"
        if path.is_file():
            image = base64.b64encode(path.read_bytes()).decode()
            yield {"name": name, "image": image, "caption": CAPTIONS[name]}
