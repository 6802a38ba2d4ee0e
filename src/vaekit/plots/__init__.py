"""Plots: from numpy arrays to matplotlib figures, without a window.

Every module draws one kind of plot. `save` writes a figure to a file.
"""

from vaekit.plots import backend  # noqa: F401 - before all others, which import matplotlib
from vaekit.plots.animation import ANIMATIONS, save_animation
from vaekit.plots.bars import Highlight, Level, bars
from vaekit.plots.comparison import Column, comparison
from vaekit.plots.curves import loss_curves
from vaekit.plots.gradients import gradient_estimators
from vaekit.plots.grid import decoded_grid
from vaekit.plots.histograms import histograms
from vaekit.plots.image_rows import image_rows
from vaekit.plots.prior_contours import Contour, normal_contours, sampled_contours
from vaekit.plots.projection import Plane, principal_axes, project, projection_plane
from vaekit.plots.rate_distortion import rate_distortion
from vaekit.plots.reconstructions import reconstructions
from vaekit.plots.run_curves import run_curves
from vaekit.plots.scatter import latent_scatter
from vaekit.plots.sheet import sheet
from vaekit.plots.style import CLASS_COLORS, class_shapes, save

__all__ = [
    "ANIMATIONS",
    "CLASS_COLORS",
    "Column",
    "Contour",
    "Highlight",
    "Level",
    "Plane",
    "bars",
    "class_shapes",
    "comparison",
    "decoded_grid",
    "gradient_estimators",
    "histograms",
    "image_rows",
    "latent_scatter",
    "loss_curves",
    "normal_contours",
    "principal_axes",
    "project",
    "projection_plane",
    "rate_distortion",
    "reconstructions",
    "run_curves",
    "sampled_contours",
    "save",
    "save_animation",
    "sheet",
]
