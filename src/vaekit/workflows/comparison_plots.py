"""The two plots of a comparison: codes and images side by side, and training curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from vaekit.arguments import as_path
from vaekit.data import evenly_spaced_indices
from vaekit.errors import ConfigError
from vaekit.evaluation.metric import Metric
from vaekit.inference.encode_decode import decode_means, sample_means
from vaekit.run_plots.context import PlotContext
from vaekit.runs import Run
from vaekit.runs.reconstruction import Reconstruction, reconstruct_examples
from vaekit.runtime.seeding import seeded_noise

if TYPE_CHECKING:
    from vaekit.plots import Column

PLOT_FORMATS = (".png", ".pdf", ".svg")
SHOWN_EXAMPLES = 5
SHOWN_SAMPLES = 10
DIRECTIONS = 3
DISTANCES = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Distances of perturbed codes, in standard deviations of all codes."""
FRACTIONS = (0.0, 0.125, 0.25, 0.5, 1.0)
"""Fractions of discrete codes that are replaced."""


class RunLine(Protocol):
    """The metrics of a run that its heading shows."""

    @property
    def loss(self) -> Metric:
        """The negative ELBO."""
        ...

    @property
    def reconstruction(self) -> Metric:
        """-E[log p(x|z)]."""
        ...

    @property
    def divergence(self) -> Metric:
        """KL(q(z|x) || p(z))."""
        ...


def curves_path(out: Path) -> Path:
    """The file of the training curves, next to the plot."""
    return as_path("out", out.with_name(f"{out.stem}-curves{out.suffix}"))


def check_plot_file(out: Path) -> None:
    """ConfigError for a file that no plot can be written to."""
    if out.suffix.lower() not in PLOT_FORMATS:
        raise ConfigError.for_value("out", out.name, f"one of {', '.join(PLOT_FORMATS)}")


def plot_comparison(
    out: Path,
    contexts: Mapping[str, PlotContext],
    table: Sequence[RunLine],
    split: str,
    seed: int,
) -> list[Path]:
    """Write both plots and return their paths."""
    from vaekit.plots import comparison, run_curves, save

    with torch.no_grad():
        columns = [
            _column(context, name, line, seed)
            for (name, context), line in zip(contexts.items(), table, strict=True)
        ]
    first = next(iter(contexts.values()))
    title = f"{len(columns)} runs on {first.data_name}, {len(first.examples):,} {split} examples"
    if len(first.shown) < len(first.examples):
        title += f", {len(first.shown):,} of them as dots"
    classes = first.run.config.data.classes
    paths = [save(comparison(columns, first.shown.y, classes, title=title), out)]

    curves: dict[str, dict[str, np.ndarray]] = {}
    best_epochs: dict[str, int | None] = {}
    second_stages: dict[str, int | None] = {}
    for (name, context), line in zip(contexts.items(), table, strict=True):
        if context.run.history:
            label = name if line.divergence.value is not None else f"{name} (no divergence)"
            curves[label] = _history(context.run, line)
            best_epochs[label] = context.run.best_epoch
            second_stages[label] = context.run.second_stage_epoch
    if curves:
        title = f"Training of {len(curves)} runs on {first.data_name}"
        figure = run_curves(curves, best_epochs, second_stages, title=title)
        paths.append(save(figure, curves_path(out)))
    return paths


def _history(run: Run, line: RunLine) -> dict[str, np.ndarray]:
    columns = {name: np.asarray(values) for name, values in run.history.items()}
    if line.divergence.value is None:
        for name in ("train_divergence", "val_divergence"):
            columns[name] = np.full_like(columns[name], np.nan)
    return columns


def _note(line: RunLine) -> str:
    if line.divergence.value is None:
        return f"reconstruction {line.reconstruction.value:.1f} nats"
    return f"loss {line.loss.value:.1f} nats, divergence {line.divergence.value:.1f}"


def _column(context: PlotContext, name: str, line: RunLine, seed: int) -> "Column":
    from vaekit.plots import Column, project

    run = context.run
    method = "active" if run.model.codebook is None else "pca"
    points, axes, _ = project(context.codes, method, context.activity)
    if len(run.model.data_shape) != 3:
        return Column(name, points, axes, note=_note(line))
    indices = evenly_spaced_indices(len(context.examples), SHOWN_EXAMPLES)
    pairs = reconstruct_examples(run, context.examples, indices)
    with seeded_noise(seed):
        y = run.condition(run.classes_in_turn(SHOWN_SAMPLES), SHOWN_SAMPLES)
        samples = sample_means(run.model, SHOWN_SAMPLES, y)
    perturbed, steps = _perturbed_images(context, pairs, seed)
    return Column(
        name,
        points,
        axes,
        context.raw_pixels(pairs.originals),
        context.raw_pixels(pairs.decoded),
        perturbed,
        steps,
        context.pixels(samples),
        note=_note(line),
    )


def _perturbed_images(
    context: PlotContext, pairs: Reconstruction, seed: int
) -> tuple[np.ndarray, list[str]]:
    """The first code with increasing perturbations, decoded; and the labels of the steps."""
    run = context.run
    z, steps = perturbed_codes(context, pairs.codes.mean[0], seed)
    y = None
    if pairs.labels is not None and run.model.classes:
        y = torch.full((len(z) * len(steps),), int(pairs.labels[0]))
    codes = torch.tensor(z).flatten(0, 1).reshape(-1, *run.model.latent_shape)
    decoded = decode_means(run.model, codes, y)
    return context.pixels(decoded.unflatten(0, z.shape[:2])), steps


def perturbed_codes(
    context: PlotContext, code: np.ndarray, seed: int
) -> tuple[np.ndarray, list[str]]:
    """A code [L] perturbed in R directions and S steps, [R, S, L], and the labels of the steps.

    The noise has a root mean square of 1 in units of each dimension's standard deviation over all
    codes: at distance 1 the code has moved as far as codes are from their mean. Of discrete codes a
    growing fraction is replaced by random ones.
    """
    rng = np.random.default_rng(seed)
    if context.run.model.codebook is not None:
        replaced = [_replaced_codes(context, code, rng) for _ in range(DIRECTIONS)]
        return np.stack(replaced), [f"{fraction:.0%}" for fraction in FRACTIONS]
    directions = rng.standard_normal((DIRECTIONS, 1, len(code)))
    directions /= np.sqrt((directions**2).mean(-1, keepdims=True))
    scale = context.posterior_samples.std(0)
    steps = np.array(DISTANCES)[None, :, None] * directions * scale
    return (code + steps).astype(np.float32), [f"{distance:g} sd" for distance in DISTANCES]


def _replaced_codes(context: PlotContext, code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    codebook = context.run.model.codebook
    assert codebook is not None
    vectors = torch.tensor(code).to(codebook.vectors).reshape(codebook.shape)
    indices = codebook.indices(vectors)
    order = rng.permutation(codebook.positions)
    others = torch.tensor(rng.integers(codebook.count, size=codebook.positions))
    lines = indices.repeat(len(FRACTIONS), 1)
    for line, fraction in zip(lines, FRACTIONS, strict=True):
        where = torch.tensor(order[: int(np.ceil(fraction * codebook.positions))])
        line[where] = others[where].to(line)
    return codebook.embed(lines).flatten(1).numpy(force=True)
