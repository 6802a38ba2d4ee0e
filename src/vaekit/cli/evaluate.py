"""`vaekit evaluate`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from vaekit.cli import output
from vaekit.cli.options import Json, MaxExamples, OtherData, RunPath, Seed, Split

if TYPE_CHECKING:
    from vaekit.evaluation.results import (
        Evaluation,
        GeneratedClassAccuracy,
        LatentMetrics,
        SampleQuality,
    )

MAX_CLASSES = 20
MAX_DIMENSIONS = 10


def evaluate(
    run: RunPath,
    split: Split = None,
    data: OtherData = None,
    max_examples: MaxExamples = None,
    importance_samples: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="K of the importance-weighted bound. Default: 20, for a large model on a random "
            "part of the examples.",
        ),
    ] = None,
    ais_steps: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Steps of annealed importance sampling, a closer bound; 0: none.",
        ),
    ] = 0,
    ais_chains: Annotated[int, typer.Option(metavar="N", help="AIS chains per example.")] = 16,
    generated_examples: Annotated[
        int,
        typer.Option(metavar="N", help="Samples for the metrics of samples; 0: none."),
    ] = 10_000,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Features that samples are compared by: components, classifier or a file of "
            "Inception weights. Default: by the data.",
        ),
    ] = None,
    class_accuracy_samples: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Conditional runs: samples per class to classify, by a classifier trained for "
            "about a minute; 0: none.",
        ),
    ] = 0,
    report: Annotated[
        bool,
        typer.Option("--report", help="Also write RUN/report.html, which explains each metric."),
    ] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Evaluate a run on held-out data, with standard errors.

    Metrics: loss and its terms, bounds of log p(x), latent space, reconstructions and samples.
    """
    from vaekit import workflows
    from vaekit.runs import load_run

    loaded = load_run(run)
    evaluation = workflows.evaluate(
        loaded,
        split=split,
        data=data,
        max_examples=max_examples,
        importance_samples=importance_samples,
        ais_steps=ais_steps,
        ais_chains=ais_chains,
        generated_examples=generated_examples,
        features=features,
        class_accuracy_samples=class_accuracy_samples,
        seed=seed,
    )
    path = workflows.report(loaded, evaluation) if report else None
    files = {} if path is None else {"report": str(path)}
    if json:
        output.print_json(evaluation.to_dict() | files)
        return
    print_evaluation(evaluation)
    if files:
        output.print_facts(files)


def print_evaluation(evaluation: "Evaluation") -> None:
    """Print the metrics in tables, then the protocol and warnings."""
    output.print_line(evaluation.title)
    print()
    _print_likelihood(evaluation)
    print()
    _print_latent(evaluation.latent)
    print()
    _print_reconstructions(evaluation)
    print()
    if evaluation.sample_quality is not None:
        _print_samples(evaluation.sample_quality)
        print()
    if evaluation.codes is not None:
        codes = evaluation.codes
        output.print_line(
            f"Codes: {codes.used:,} of {codes.available:,} used, perplexity "
            f"{codes.perplexity:.2f}, {codes.positions:,} per example"
        )
    if evaluation.generated_class_accuracy is not None:
        _print_class_accuracy(evaluation.generated_class_accuracy)
    for name, reason in (evaluation.unavailable or {}).items():
        output.print_line(f"{name.replace('_', ' ').capitalize()}: {reason}.")
    output.print_facts(evaluation.protocol)


def _print_likelihood(evaluation: "Evaluation") -> None:
    from dataclasses import replace

    from vaekit.evaluation.catalogue import LIKELIHOOD

    bound = LIKELIHOOD["importance_weighted_bound"]
    bound = replace(bound, title=f"{bound.title} ({evaluation.bound_size})")
    infos = LIKELIHOOD | {"importance_weighted_bound": bound}
    output.print_metrics("Likelihood", infos, evaluation.likelihood_metrics)
    if basis := evaluation.bits_per_dimension.basis:
        output.print_line(f"{LIKELIHOOD['bits_per_dimension'].title}: of {basis}.")
    if evaluation.ais_bound is not None:
        ais = evaluation.ais_bound
        acceptance = "" if ais.acceptance is None else f", {ais.acceptance:.0%} accepted"
        title = LIKELIHOOD["ais_bound"].title
        output.print_line(f"{title}: {ais.steps:,} steps, {ais.chains:,} chains{acceptance}.")


def _print_latent(latent: "LatentMetrics") -> None:
    rows = list(_latent_rows(latent))
    if rows:
        output.print_metric_rows(f"Latent space, {latent.examples:,} examples", rows)
    if latent.divergence_per_dimension is not None:
        largest = sorted(latent.divergence_per_dimension, reverse=True)
        shown = " ".join(f"{value:.2f}" for value in largest[:MAX_DIMENSIONS])
        rest = f" ... {largest[-1]:.2f}" if len(largest) > MAX_DIMENSIONS else ""
        output.print_line(f"Divergence per dimension, nats: {shown}{rest}")
    for warning in latent.warnings:
        output.print_line(f"warning: {warning}")


def _latent_rows(latent: "LatentMetrics") -> Iterator[tuple[str, str, str]]:
    from vaekit.evaluation.catalogue import LATENT

    if latent.active_dimensions is not None:
        active = f"{latent.active_dimensions} of {latent.dimensions}"
        yield LATENT["active_dimensions"].heading, active, ""
    metrics = {
        "mutual_information": latent.mutual_information,
        "marginal_kl": latent.marginal_kl,
    }
    for name, metric in metrics.items():
        if metric is not None:
            yield output.metric_row(LATENT[name].heading, metric, LATENT[name].digits)
    if latent.prior_holes is not None:
        holes = LATENT["prior_holes"]
        yield holes.heading, f"{100 * latent.prior_holes:.{holes.digits}f}", ""
    if latent.probes is not None:
        info = LATENT["probes"]
        accuracies = {
            "linear classifier": latent.probes.linear,
            "nearest codes": latent.probes.nearest,
            "most frequent class": latent.probes.most_frequent,
        }
        for name, accuracy in accuracies.items():
            yield f"{info.heading}, {name}", f"{100 * accuracy:.{info.digits}f}", ""


def _print_reconstructions(evaluation: "Evaluation") -> None:
    from vaekit.evaluation.catalogue import RECONSTRUCTION

    output.print_metrics("Reconstructions", RECONSTRUCTION, evaluation.reconstructions)


def _print_samples(quality: "SampleQuality") -> None:
    """Print samples by the source of their latent codes, next to real examples."""
    from vaekit.evaluation.catalogue import SAMPLE_SOURCES, SAMPLES

    if quality.unavailable is not None:
        output.print_line(f"Samples: {quality.unavailable}.")
        return
    title = f"Samples ({quality.values}), {quality.examples:,} of each, by {quality.features}"
    columns = [SAMPLE_SOURCES[source] for source in quality.sources]
    rows = [
        [info.heading]
        + [
            output.metric_text(getattr(metrics, name), info.digits)
            for metrics in quality.sources.values()
        ]
        for name, info in SAMPLES.items()
    ]
    output.print_table(["", *columns], rows, title=title, right=columns)
    output.print_line(f"{SAMPLE_SOURCES['real_data_baseline']}: {quality.baseline_of}.")
    for warning in quality.warnings:
        output.print_line(f"warning: {warning}")


def _print_class_accuracy(accuracy: "GeneratedClassAccuracy") -> None:
    """Print how often a classifier recognizes samples and real examples, lowest class first."""
    lowest = sorted(accuracy.per_class.items(), key=lambda item: item[1].accuracy)
    title = (
        f"Class accuracy, %: {accuracy.samples_per_class:,} samples per class, "
        f"{accuracy.classifier_examples:,} test examples"
    )
    if len(lowest) > MAX_CLASSES:
        title += f", the {MAX_CLASSES} lowest of {len(lowest):,} classes"
    overall = (
        "all",
        _percent(accuracy.accuracy),
        _percent(accuracy.standard_error),
        _percent(accuracy.classifier_accuracy),
    )
    classes = [
        (name, _percent(each.accuracy), None, _percent(each.classifier_accuracy))
        for name, each in lowest[:MAX_CLASSES]
    ]
    columns = ("class", "samples", "standard error", "test examples")
    output.print_table(columns, [overall, *classes], title=title, right=columns[1:])


def _percent(fraction: float | None) -> str | None:
    return None if fraction is None else f"{100 * fraction:.1f}"
