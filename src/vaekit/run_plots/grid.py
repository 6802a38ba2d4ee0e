"""Decoded latent codes on a grid in the latent plane."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.distributions import Distribution, Independent

from vaekit.errors import ConfigError
from vaekit.inference.encode_decode import decode_means
from vaekit.run_plots.context import PlotContext, Range, View, class_phrase
from vaekit.run_plots.requirements import continuous_latent, image_data, requires
from vaekit.runtime.seeding import seeded_noise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRID_SIDE = 15
MAX_COORDINATE = 1_000_000
PRIOR_QUANTILES = (0.02, 0.98)
QUANTILE_SAMPLES = 10_000


@requires(image_data, continuous_latent, takes=["across", "down", "label"])
def grid(context: PlotContext, view: View) -> "Figure":
    """Decoded latent codes on a grid in the latent plane."""
    from vaekit.plots import decoded_grid

    run, model = context.run, context.run.model
    first, second = context.most_active_pair()
    size = model.latent_shape.numel()
    label = _label(context, view)
    prior = model.prior_distribution(run.condition(label, 1))
    across = _coordinates(prior, first, view.across, "across")
    down = _coordinates(prior, second, view.down, "down") if size > 1 else np.zeros(1)
    z = prior.mean.reshape(-1, size)[0].cpu().repeat(len(down), GRID_SIDE, 1)
    z[..., second] = torch.tensor(down, dtype=z.dtype)[:, None]
    z[..., first] = torch.tensor(across, dtype=z.dtype)[None, :]
    y = run.condition(label, z.shape[:2].numel())
    decoded = decode_means(model, z.reshape(-1, *model.latent_shape), y)
    images = context.pixels(decoded.unflatten(0, z.shape[:2]))
    second_name = f"z{second + 1}" if size > 1 else ""
    axis_names = (f"z{first + 1}", second_name)
    title = context.title(_title(context, view, prior, label))
    return decoded_grid(images, across, down, axis_names=axis_names, title=title)


def _label(context: PlotContext, view: View) -> str | None:
    """The class that is decoded: the first one by default."""
    if view.label is not None or not context.run.classes:
        return view.label
    return context.run.classes[0]


def _title(context: PlotContext, view: View, prior: Distribution, label: str | None) -> str:
    size = context.run.model.latent_shape.numel()
    title = f"Decoded {'prior quantiles' if view.across is None else 'latent range'}, "
    title += context.model_name
    if size > 2:
        others = f"other {size - 2} dimensions" if size > 3 else "other dimension"
        title += f", the {others} at {'the mean' if prior.mean.any() else '0'}"
    return title if label is None else f"{title}, {class_phrase(label)}"


def _coordinates(
    prior: Distribution, dimension: int, limits: Range | None, parameter: str
) -> np.ndarray:
    if limits is None:
        return _prior_quantiles(prior, dimension)
    low, high = limits
    if not -MAX_COORDINATE <= low < high <= MAX_COORDINATE:
        raise ConfigError.for_value(
            parameter, limits, f"a lower and a higher number within {MAX_COORDINATE:,}"
        )
    return np.linspace(low, high, GRID_SIDE)


def _prior_quantiles(prior: Distribution, dimension: int) -> np.ndarray:
    like = prior.mean
    levels = torch.linspace(*PRIOR_QUANTILES, GRID_SIDE, dtype=like.dtype, device=like.device)
    try:
        base = prior.base_dist if isinstance(prior, Independent) else prior
        quantiles = base.icdf(levels.reshape(-1, *[1] * len(prior.event_shape)))
        expanded = quantiles.expand(GRID_SIDE, *prior.event_shape).flatten(1)
        return expanded[:, dimension].numpy(force=True)
    except NotImplementedError:  # no quantile function: quantiles of samples
        with seeded_noise(0):
            samples = prior.sample((QUANTILE_SAMPLES,)).reshape(QUANTILE_SAMPLES, -1)
        return samples[:, dimension].quantile(levels).numpy(force=True)
