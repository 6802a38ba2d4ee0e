"""Latent codes by class, with contours of the prior."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from vaekit.inference.encode_decode import sample_prior
from vaekit.inference.prior_density import has_prior, normal_parameters
from vaekit.run_plots.context import PlotContext, View
from vaekit.run_plots.requirements import requires
from vaekit.runtime.seeding import seeded_noise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaekit.plots import Contour, Plane

PRIOR_SAMPLES = 2_000
"""Samples of a prior without a closed form."""


@requires(takes=["projection"])
def latent(context: PlotContext, view: View) -> "Figure":
    """The means of q(z|x), by class, with contours of the prior."""
    from vaekit.plots import latent_scatter, projection_plane

    method = view.projection
    if context.run.model.codebook is not None:
        method = "pca"  # single entries of a code vector have no meaning
    plane = projection_plane(context.codes, method, context.activity)
    title = f"Latent codes of {context.shown_count}, {context.recipe}"
    return latent_scatter(
        plane.project(context.codes),
        context.shown.y,
        context.run.config.data.classes,
        title=context.title(f"{title}: {plane.phrase}" if plane.phrase else title),
        axis_names=plane.names,
        contours=_prior_contours(context, plane),
    )


def _prior_contours(context: PlotContext, plane: "Plane") -> "list[Contour]":
    """Contours of the prior in the plane, over all classes; none if training used no prior."""
    from vaekit.plots import normal_contours, sampled_contours

    model = context.run.model
    if not has_prior(model):
        return []
    normal = normal_parameters(model)
    if normal is None or len(normal.mean) > 1:
        return sampled_contours(plane.project(_prior_samples(context)))
    deviations = normal.stddev.numpy()[0, :, None] * plane.directions
    return normal_contours(plane.project(normal.mean.numpy())[0], deviations.T @ deviations)


def _prior_samples(context: PlotContext) -> np.ndarray:
    """Samples of the prior [N, L], of a conditional run with the classes of the examples."""
    model = context.run.model
    y = None
    if model.classes and context.shown.y is not None:
        y = torch.from_numpy(np.resize(context.shown.y, PRIOR_SAMPLES))
    with seeded_noise(0):
        return sample_prior(model, PRIOR_SAMPLES, y).flatten(1).numpy()
