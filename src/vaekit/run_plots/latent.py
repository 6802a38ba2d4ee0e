"""Posterior means by class."""

from typing import TYPE_CHECKING

from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import requires

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@requires(takes=["projection"])
def latent(context: PlotContext, view: View) -> "Figure":
    """The means of q(z|x), by class."""
    from vaekit.plots import latent_scatter, project

    is_discrete = context.run.model.codebook is not None
    method = (
        "pca" if is_discrete else view.projection
    )  # entries of a code vector mean nothing alone
    points, names, axes = project(context.codes, method, context.activity)
    title = f"Latent codes of {context.shown_count}, {context.recipe}"
    return latent_scatter(
        points,
        context.shown.y,
        context.run.config.data.classes,
        title=f"{title}: {axes}" if axes else title,
        names=names,
    )
