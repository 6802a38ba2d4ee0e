"""Samples of a conditional run, one class per row."""

from typing import TYPE_CHECKING

import numpy as np

from vaekit.inference.encode_decode import sample_means
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import conditional_run, image_data, requires
from vaekit.runtime.seeding import seeded_noise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CLASSES = 20
SAMPLES_PER_CLASS = 10


@requires(image_data, conditional_run, takes=["seed"])
def classes(context: PlotContext, view: View) -> "Figure":
    """Samples of a conditional run, one class per row."""
    from vaekit.plots import image_rows

    run = context.run
    names = run.classes[:MAX_CLASSES]
    count = SAMPLES_PER_CLASS * len(names)
    with seeded_noise(view.seed):
        y = run.condition(np.repeat(names, SAMPLES_PER_CLASS), count)
        images = sample_means(run.model, count, y)
    rows = context.pixels(images).reshape(len(names), SAMPLES_PER_CLASS, *images.shape[1:])
    part = "by class"
    if len(names) < len(run.classes):
        part = f"of the first {len(names)} of {len(run.classes):,} classes"
    title = context.title(f"Samples {part}, {context.model_name}")
    return image_rows(rows, names, title=title)
