"""The card of a run in a notebook: dataset, metrics of the test split, loss curves, samples."""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vaekit import html
from vaekit.data.thumbnails import thumbnails

if TYPE_CHECKING:
    from vaekit.runs.run import Run

MAX_SAMPLES = 24
MAX_VALUES = 500_000
"""Values of the samples: few enough to be computed at once."""


def run_card(run: "Run") -> str:
    """The HTML of the card."""
    data = run.config.data
    losses = {
        "training": run.history.get("train_loss", []),
        "validation": run.history.get("val_loss", []),
    }
    facts = {
        "folder": run.path,
        "data": f"{data.source}, shape {run.model.data_shape}, {run.support}",
        "examples": _example_counts(run),
        "latent dimensions": f"{run.model.latent_shape.numel():,}",
        "parameters": f"{_parameter_count(run):,}",
        "training": _training(run),
        **{f"test {name}": f"{text} nats per example" for name, text in _test_metrics(run)},
    }
    return html.card(
        f"Run: {run.config.recipe} on {Path(data.source).name}",
        *(html.warning(finding.text) for finding in run.verdict),
        html.facts({name: fact for name, fact in facts.items() if fact}),
        html.line_chart(losses, "loss, nats per example"),
        _samples(run),
    )


def _parameter_count(run: "Run") -> int:
    return sum(count.total for count in run.model.count_parameters().values())


def _training(run: "Run") -> str:
    facts = [f"{len(run.history.get('val_loss', ())):,} epochs"]
    if run.best_epoch is not None:
        facts.append(f"best {run.best_epoch:,}")
    facts.append(f"seed {run.config.seed}")
    if not run.summary:
        facts.append("unfinished")
    return ", ".join(facts)


def _example_counts(run: "Run") -> str:
    counts = run.summary.get("data", {}).get("examples", {})
    return ", ".join(f"{part} {count:,}" for part, count in counts.items())


def _test_metrics(run: "Run") -> Iterator[tuple[str, str]]:
    metrics = run.summary.get("test", {})
    for name in ("loss", "reconstruction", "divergence"):
        if name in metrics and metrics[name]["value"] is not None:
            yield name, html.with_error({"standard_error": None, **metrics[name]})


def _samples(run: "Run") -> str:
    """Samples of the prior; nothing for other data than images, or a model that fails."""
    if len(run.model.data_shape) != 3:
        return ""
    count = min(MAX_SAMPLES, max(1, MAX_VALUES // math.prod(run.model.data_shape)))
    with suppress(RuntimeError, ValueError):
        images = thumbnails(run.sample(count, seed=0), run.support)
        if images is not None:
            return html.note("Samples from the prior:") + html.image(images, "samples")
    return ""
