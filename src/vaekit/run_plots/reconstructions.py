"""Examples over their reconstructions."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaekit.inference.output import save_batches
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.pixels import to_pixels
from vaekit.run_plots.requirements import requires
from vaekit.runs import Run
from vaekit.runs.reconstruction import Reconstruction, reconstruct_examples, select_indices
from vaekit.runs.run_data import data_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@requires(takes=["indices", "label"])
def reconstructions(context: PlotContext, view: View) -> "Figure":
    """Selected examples over the means of p(x|z) at their latent codes."""
    indices = select_indices(context.run, context.examples, view.indices, view.label)
    result = reconstruct_examples(context.run, context.examples, indices)
    title = context.title(f"Reconstructions of {context.kind}, {context.recipe}")
    return _figure(context.run, result, title)


def save_reconstruction(path: Path, run: Run, result: Reconstruction) -> Path:
    """Write reconstructed examples as a plot, or the decoded ones as .npy."""
    from vaekit.plots import save

    if path.suffix.lower() == ".npy":
        return save_batches(path, iter([result.decoded]), len(result.decoded))
    title = f"Originals and reconstructions, {run.config.recipe} on {data_name(run)}"
    return save(_figure(run, result, title), path)


def _figure(run: Run, result: Reconstruction, title: str) -> "Figure":
    from vaekit.plots import reconstructions as draw

    classes = run.config.data.classes
    original, decoded = (
        to_pixels(run, run.transform.forward(raw, np.float32), result.originals)
        for raw in (result.originals, result.decoded)
    )
    labels = None
    if result.labels is not None and classes:
        labels = [classes[label] for label in result.labels]
    return draw(
        original,
        decoded,
        codes=result.codes.mean,
        indices=result.indices.tolist(),
        labels=labels,
        title=title,
    )
