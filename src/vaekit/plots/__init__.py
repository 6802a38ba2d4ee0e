"""Pictures: numpy arrays in, a matplotlib Figure out. Nothing here opens a window."""

from vaekit.plots.animation import ANIMATIONS, save_animation
from vaekit.plots.bars import bars
from vaekit.plots.comparison import Column, comparison
from vaekit.plots.curves import loss_curves
from vaekit.plots.gradients import gradient_estimators
from vaekit.plots.grid import decoded_grid, sheet
from vaekit.plots.histograms import histograms
from vaekit.plots.projection import principal_axes, project
from vaekit.plots.rate_distortion import rate_distortion
from vaekit.plots.reconstructions import reconstructions
from vaekit.plots.run_curves import run_curves
from vaekit.plots.scatter import latent_scatter
from vaekit.plots.style import CLASS_COLOURS, save
from vaekit.plots.traversals import image_paths

__all__ = [
    "ANIMATIONS",
    "CLASS_COLOURS",
    "Column",
    "bars",
    "run_curves",
    "comparison",
    "decoded_grid",
    "gradient_estimators",
    "histograms",
    "latent_scatter",
    "loss_curves",
    "principal_axes",
    "project",
    "rate_distortion",
    "reconstructions",
    "save",
    "save_animation",
    "sheet",
    "image_paths",
]
