"""The divergence of each latent dimension."""

from typing import TYPE_CHECKING

from vaekit.evaluation.latent import ACTIVE_VARIANCE
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import continuous_latent, requires

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIN_HEIGHT = 0.1
"""Height of the axis: far less divergence, in nats, or variance is none."""


@requires(continuous_latent)
def dimensions(context: PlotContext, view: View) -> "Figure":
    """The divergence of each latent dimension, the most active first."""
    from vaekit.plots import Highlight, bars

    size = len(context.activity)
    active = context.codes.var(0) > ACTIVE_VARIANCE
    unit = "divergence, nats per example"
    if context.divergence is None:
        unit = "variance of the posterior mean"
    noun = "dimension" if size == 1 else "dimensions"
    title = f"{active.sum()} of {size} latent {noun} active on {context.shown_count}"
    highlight = None
    if not active.all():
        label = f"active: variance of the posterior mean above {ACTIVE_VARIANCE}"
        highlight = Highlight(active, label, "inactive")
    return bars(
        context.activity,
        [f"z{i + 1}" for i in range(size)],
        axis_labels=("latent dimension", unit),
        highlight=highlight,
        min_height=MIN_HEIGHT,
        title=context.title(f"{title}, {context.recipe}"),
    )
