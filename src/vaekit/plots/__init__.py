"""Pictures: numpy arrays in, a matplotlib Figure out. Nothing here opens a window."""

from vaekit.plots.curves import loss_curves
from vaekit.plots.grid import decoded_grid, sheet
from vaekit.plots.projection import project
from vaekit.plots.reconstructions import reconstructions
from vaekit.plots.scatter import latent_scatter
from vaekit.plots.style import CLASS_COLOURS, save

__all__ = [
    "CLASS_COLOURS",
    "decoded_grid",
    "latent_scatter",
    "loss_curves",
    "project",
    "reconstructions",
    "save",
    "sheet",
]
