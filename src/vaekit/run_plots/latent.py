"""Latent codes by class."""

from typing import TYPE_CHECKING

from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import requires

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@requires(takes=["projection"])
def latent(context: PlotContext, view: View) -> "Figure":
    """The means of q(z|x), by class."""
    from vaekit.plots import latent_scatter, project

    method = view.projection
    if context.run.model.codebook is not None:
        method = "pca"  # single entries of a code vector have no meaning
    points, axis_names, phrase = project(context.codes, method, context.activity)
    title = f"Latent codes of {context.shown_count}, {context.recipe}"
    return latent_scatter(
        points,
        context.shown.y,
        context.run.config.data.classes,
        title=f"{title}: {phrase}" if phrase else title,
        axis_names=axis_names,
    )
