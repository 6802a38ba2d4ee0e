"""The distribution of the loss and its terms over examples."""

from typing import TYPE_CHECKING

from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import requires

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@requires()
def losses(context: PlotContext, view: View) -> "Figure":
    """The distribution of the loss and its terms over examples."""
    from vaekit.plots import histograms

    terms = context.terms
    columns = {
        "Loss (negative ELBO)": terms.loss,
        "Reconstruction": terms.reconstruction,
        "Divergence": terms.divergence.sum(-1),
    }
    if not terms.divergence.shape[1]:
        columns = {"Loss (reconstruction alone)": terms.reconstruction}
    title = context.title(f"Losses of {context.shown_count}, {context.recipe}")
    values = {name: column.numpy() for name, column in columns.items()}
    return histograms(values, "nats", title=title)
