"""How often each code of a discrete latent is used."""

from typing import TYPE_CHECKING

import numpy as np

from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import discrete_latent, requires

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@requires(discrete_latent)
def usage(context: PlotContext, view: View) -> "Figure":
    """How often each code of a discrete latent is used, the most frequent first."""
    from vaekit.plots import Level, bars

    codebook = context.run.model.codebook
    indices = context.encoded.indices
    assert codebook is not None
    assert indices is not None
    tables = 1 if codebook.shared else codebook.positions
    if not codebook.shared:
        indices = indices + np.arange(tables) * codebook.count
    counts = np.bincount(indices.ravel(), minlength=tables * codebook.count)
    frequencies = counts / indices.size
    used = f"{(frequencies > 0).sum():,} of {len(frequencies):,} codes"
    return bars(
        100 * frequencies,
        range(len(frequencies)),
        axis_labels=("code", "% of all uses"),
        level=Level(100 / len(frequencies), "uniform use"),
        title=context.title(f"{used} used by {context.shown_count}, {context.recipe}"),
    )
