"""Latent traversals: one path per latent dimension."""

from collections.abc import Sequence

import numpy as np

from vaekit.errors import ConfigError
from vaekit.run_plots.context import PlotContext, View, class_phrase
from vaekit.run_plots.latent_paths import LatentPaths, constant_class
from vaekit.run_plots.requirements import continuous_latent, image_data, requires
from vaekit.runs.reconstruction import Reconstruction, reconstruct_examples

MAX_DIMENSIONS = 16
QUANTILES = (0.025, 0.975)
"""Ends of a path, as quantiles of the aggregate posterior."""


@requires(image_data, continuous_latent, takes=["indices", "label"])
def traversals(context: PlotContext, view: View) -> LatentPaths:
    """One path per latent dimension, the most active first; the other dimensions stay."""
    order = np.argsort(-context.activity, kind="stable")[:MAX_DIMENSIONS]
    low, high = np.quantile(context.posterior_samples[:, order], QUANTILES, axis=0)
    start, label, start_name = _start(context, view)

    def codes(positions: np.ndarray) -> np.ndarray:
        z = np.tile(start, (len(order), len(positions), 1))
        for path, dimension in enumerate(order):
            z[path, :, dimension] = low[path] + positions * (high[path] - low[path])
        return z

    return LatentPaths(
        _title(context, len(order), len(start), start_name, label),
        _labels(context, order, low, high),
        codes,
        constant_class(context, label, len(order)),
    )


def _labels(
    context: PlotContext, order: np.ndarray, low: np.ndarray, high: np.ndarray
) -> list[str]:
    """The name of each dimension, its activity, and its range."""
    unit = "{:.2f}\N{NO-BREAK SPACE}nats"
    if context.divergence is None:
        unit = "var.\N{NO-BREAK SPACE}{:.2f}"
    labels = []
    for dimension, start, end in zip(order, low, high, strict=True):
        activity = unit.format(context.activity[dimension])
        interval = f"{start:.2f} to {end:.2f}".replace("-", "−")
        labels.append(f"z{dimension + 1} {activity}\n{interval}")
    return labels


def _title(context: PlotContext, shown: int, size: int, start_name: str, label: str | None) -> str:
    dimensions = "all dimensions, most active first" if size > 1 else "the only dimension"
    if size > shown:
        dimensions = f"the {shown} most active of {size} dimensions"
    title = f"Traversals, {context.recipe}: {dimensions}, "
    title += f"2.5 to 97.5 % of the codes of {context.kind}"
    if size > 1:
        return f"{title}; other dimensions at {start_name}"
    return title if label is None else f"{title}; {class_phrase(label)}"


def _start(context: PlotContext, view: View) -> tuple[np.ndarray, str | None, str]:
    """The code that paths start from, its class in a conditional run, and its name."""
    names = context.run.classes
    label = view.label
    if label is None and names:
        label = names[0]
    if view.indices is None:
        start = context.codes.mean(0)
        start_name = "the mean code"
    else:
        example = _start_example(context, view.indices)
        start = example.codes.mean[0]
        start_name = f"the code of example {example.indices[0]}"
        if names and view.label is None and example.labels is not None:
            label = names[example.labels[0]]
    if label is not None:
        start_name = f"{start_name}, {class_phrase(label)}"
    return start, label, start_name


def _start_example(context: PlotContext, indices: Sequence[int]) -> Reconstruction:
    if len(indices) > 1:
        raise ConfigError.for_value(
            "indices", list(indices), "one index", problem="traversals start from one example"
        )
    return reconstruct_examples(context.run, context.examples, indices)
