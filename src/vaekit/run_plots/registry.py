"""The plots of a run by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from vaekit.run_plots.classes import classes
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.curves import curves
from vaekit.run_plots.dimensions import dimensions
from vaekit.run_plots.grid import grid
from vaekit.run_plots.interpolations import interpolations
from vaekit.run_plots.latent import latent
from vaekit.run_plots.latent_paths import LatentPaths
from vaekit.run_plots.losses import losses
from vaekit.run_plots.nearest import nearest
from vaekit.run_plots.reconstructions import reconstructions
from vaekit.run_plots.samples import samples
from vaekit.run_plots.traversals import traversals
from vaekit.run_plots.usage import usage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOTS: dict[str, Callable[[PlotContext, View], "Figure"]] = {
    "latent": latent,
    "grid": grid,
    "reconstructions": reconstructions,
    "samples": samples,
    "nearest": nearest,
    "classes": classes,
    "curves": curves,
    "dimensions": dimensions,
    "usage": usage,
    "losses": losses,
}
LATENT_PATH_PLOTS: dict[str, Callable[[PlotContext, View], LatentPaths]] = {
    "traversals": traversals,
    "interpolations": interpolations,
}
"""Plots of paths, which can also be animations; drawn by name only."""
