"""Training and validation loss by epoch."""

from typing import TYPE_CHECKING

import numpy as np

from vaekit.inference.scoring import has_bound
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import requires

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@requires()
def curves(context: PlotContext, view: View) -> "Figure":
    """Training and validation loss by epoch."""
    from vaekit.plots import loss_curves

    run, history = context.run, context.run.history
    if not has_bound(run.model):
        unknown = {
            name: np.full(len(column), np.nan)
            for name, column in history.items()
            if name.endswith("_divergence")
        }
        history = history | unknown
    title = context.title(f"Training of {context.model_name}")
    return loss_curves(
        history,
        title=title,
        best_epoch=run.best_epoch,
        second_stage_epoch=run.second_stage_epoch,
    )
