"""Samples over the training examples closest to them."""

from typing import TYPE_CHECKING

import numpy as np

from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import available_data, image_data, requires
from vaekit.run_plots.samples import prior_samples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLES = 10


@requires(image_data, available_data, takes=["label", "seed"])
def nearest(context: PlotContext, view: View) -> "Figure":
    """Samples over the training example closest to each, which shows copies."""
    from vaekit.plots import image_rows

    images = prior_samples(context, view, SAMPLES)
    examples, _ = context.run_data.nearest_training_examples(images)
    pairs = np.stack([context.pixels(images), context.raw_pixels(examples)])
    title = f"Samples of {context.model_name}, and the training examples closest to them"
    title = context.title(title)
    return image_rows(pairs, ["samples", "closest\ntraining examples"], title=title)
