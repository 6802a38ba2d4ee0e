"""Samples from the prior."""

from typing import TYPE_CHECKING

from torch import Tensor

from vaekit.inference.encode_decode import sample_means
from vaekit.run_plots.context import PlotContext, View, class_phrase
from vaekit.run_plots.requirements import image_data, requires
from vaekit.runtime.seeding import seeded_noise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHEET_SAMPLES = 64


@requires(image_data, takes=["label", "seed"])
def samples(context: PlotContext, view: View) -> "Figure":
    """Means of p(x|z) for samples of the prior."""
    from vaekit.plots import sheet

    images = prior_samples(context, view, SHEET_SAMPLES)
    of_class = "" if view.label is None else f" of {class_phrase(view.label)}"
    title = f"Samples{of_class} from the prior, {context.model_name}"
    return sheet(context.pixels(images), title=context.title(title))


def prior_samples(context: PlotContext, view: View, count: int) -> Tensor:
    """Means of p(x|z) for `count` samples of the prior, of one class or of all in turn."""
    run = context.run
    labels = run.classes_in_turn(count) if view.label is None else view.label
    with seeded_noise(view.seed):
        return sample_means(run.model, count, run.condition(labels, count))
