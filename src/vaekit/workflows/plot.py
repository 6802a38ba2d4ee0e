"""The pictures of a run: what the arrays are, and which figure shows them."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.distributions import Distribution, Independent

from vaekit import runs as store
from vaekit.data import Dataset
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError, suggest
from vaekit.evaluation.latent import ACTIVE
from vaekit.evaluation.protocol import has_bound
from vaekit.inference.encode_decode import decode_means, sample_means
from vaekit.run_plots.context import PlotContext, Range, View, class_phrase, data_name
from vaekit.run_plots.latent_paths import LATENT_PATH_PLOTS, draw_paths, save_path_animation
from vaekit.run_plots.requirements import (
    classes_given,
    continuous_latent,
    discrete_latent,
    image_rows,
    kept_data,
    requires,
    unmet_requirement,
)
from vaekit.runs import Run, load_run
from vaekit.runs.run_data import evaluation_examples
from vaekit.runs.training_examples import nearest_training_examples
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows.files import save_values
from vaekit.workflows.use import Reconstruction, choose_examples, reconstruct_examples, to_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 15
FAR = 1_000_000  # how far out a grid may go
MOST_CLASSES = 20


def plot(
    run: Run | str | os.PathLike,
    names: Sequence[str] = (),
    *,
    data: Any = None,
    split: SplitName | None = None,
    out: str | os.PathLike | None = None,
    format: str | None = None,
    **view: Any,
) -> list[Path]:
    """Draw pictures of a run by name and return their paths.

    names: of `PLOTS` or `LATENT_PATH_PLOTS`; none stands for all of `PLOTS` that the run allows.
    data: rows to show in the place of the run's own, or the run's dataset, where it is at hand already. out: a folder, or a
        file for a single picture, of `LATENT_PATH_PLOTS` also .gif or .webp; default RUN/plots. format: of pictures in a folder, png, pdf
        or svg; default png.
    view: the fields of `View`.
    """
    known, names = PLOTS | LATENT_PATH_PLOTS, [names] if isinstance(names, str) else names
    for name in names:
        if name not in known:
            raise ConfigError(f"unknown plot {name!r}: {suggest(name, known)}")
    run = run if isinstance(run, Run) else load_run(run)
    for name in names:
        if reason := unmet_requirement(known[name], run):
            raise ConfigError(f"{name} {reason}")
    if unknown := view.keys() - View.__dataclass_fields__.keys():
        raise ConfigError(
            f"unknown option {min(unknown)!r}: {suggest(min(unknown), View.__dataclass_fields__)}"
        )
    if data is not None and not isinstance(data, Dataset) and out is None:
        raise ConfigError(
            "pictures of other rows than the run's own need a place of their own: name it with --out"
        )
    chosen = list(names) or [
        name for name, picture in PLOTS.items() if not unmet_requirement(picture, run)
    ]
    _check_taken(View(**view), {name: known[name] for name in chosen})
    own = (lambda: data) if isinstance(data, Dataset) else None
    found = cache(lambda: evaluation_examples(run, split, data))
    context = PlotContext(run, lambda: found()[0], _called(data), own, lambda: found()[1])
    paths = _places(run.path / store.PLOTS if out is None else Path(out), chosen, format)
    with torch.no_grad():
        return [
            _save(name, context, View(**view), path)
            for name, path in zip(chosen, paths, strict=True)
        ]


def _called(data: Any) -> str | None:
    """What titles call rows that are not the run's own."""
    if data is None or isinstance(data, Dataset):
        return None
    return Path(data).stem if isinstance(data, str | os.PathLike) else "given"


def _check_taken(view: View, pictures: dict[str, Callable]) -> None:
    """ConfigError for an option that makes no difference to any of the pictures."""
    for field, value in vars(view).items():
        if value != getattr(View, field) and not any(
            field in getattr(picture, "takes", ()) for picture in pictures.values()
        ):
            takers = [
                name
                for name, picture in (PLOTS | LATENT_PATH_PLOTS).items()
                if field in getattr(picture, "takes", ())
            ]
            raise ConfigError(
                f"{field} makes no difference to {', '.join(pictures)}: it is for {', '.join(takers)}"
            )


def _save(name: str, context: PlotContext, view: View, path: Path) -> Path:
    from vaekit.plots import ANIMATIONS, save

    moving = path.suffix.lower() in ANIMATIONS
    if name not in LATENT_PATH_PLOTS and moving:
        raise ConfigError(
            f"{name} does not move: {path.suffix} is for {' and '.join(LATENT_PATH_PLOTS)}, write .png, .pdf or .svg"
        )
    if name not in LATENT_PATH_PLOTS:
        return save(PLOTS[name](context, view), path)
    image_paths = LATENT_PATH_PLOTS[name](context, view)
    return (
        save_path_animation(path, context, image_paths)
        if moving
        else save(draw_paths(context, image_paths), path)
    )


def _places(out: Path, names: Sequence[str], format: str | None) -> list[Path]:
    from vaekit.plots.style import FORMATS

    if format is not None and f".{format}" not in FORMATS:
        raise ConfigError(
            f"format {format!r}: {suggest(format, [suffix[1:] for suffix in FORMATS])}"
        )
    if not out.suffix:
        return [out / f"{name}.{format or 'png'}" for name in names]
    if len(names) != 1:
        raise ConfigError(
            f"{out} is one file for {len(names)} pictures: give a folder, or name one picture"
        )
    if format is not None:
        raise ConfigError(f"{out} says its format already: leave out --format, or give a folder")
    return [out]


@requires(takes=["projection"])
def latent(context: PlotContext, view: View) -> "Figure":
    """The means of q(z given x), by class."""
    from vaekit.plots import latent_scatter, project

    discrete = (
        context.run.model.codebook is not None
    )  # single dimensions of a code vector say nothing
    points, names, which = project(
        context.codes, "pca" if discrete else view.projection, context.activity
    )
    title = f"Codes of {context.told}, {context.recipe}" + (f": {which}" if which else "")
    return latent_scatter(
        points, context.shown.y, context.run.config.data.classes, title=title, names=names
    )


@requires(image_rows, continuous_latent, takes=["across", "down", "label"])
def grid(context: PlotContext, view: View) -> "Figure":
    """Decoded points of the latent plane."""
    from vaekit.plots import decoded_grid

    first, second = context.dimensions()
    model, size = context.run.model, context.run.model.latent_shape.numel()
    label = (
        view.label
        if view.label is not None or not model.classes
        else context.run.config.data.classes[0]
    )
    prior = model.prior_distribution(context.run.condition(label, 1))
    across = _coordinates(prior, first, view.across)
    down = _coordinates(prior, second, view.down) if size > 1 else np.zeros(1)
    z = prior.mean.reshape(-1, size)[0].cpu().repeat(len(down), SIDE, 1)
    z[..., second] = torch.tensor(down, dtype=z.dtype)[:, None]
    z[..., first] = torch.tensor(across, dtype=z.dtype)[None, :]
    y = context.run.condition(label, z.shape[:2].numel())
    images = context.pixels(
        decode_means(model, z.reshape(-1, *model.latent_shape), y).unflatten(0, z.shape[:2])
    )
    where = "prior quantiles" if view.across is None else "latent range"
    others = f"other {size - 2} dimensions" if size > 3 else "other dimension"
    rest = f", the {others} at {'the mean' if prior.mean.any() else '0'}" if size > 2 else ""
    title = f"Decoded {where}, {context.trained}{rest}" + (
        f", {class_phrase(label)}" if label is not None else ""
    )
    return decoded_grid(
        images,
        across,
        down,
        names=(f"z{first + 1}", f"z{second + 1}" if size > 1 else ""),
        title=title,
    )


def _coordinates(prior: Distribution, dimension: int, given: Range | None) -> np.ndarray:
    if given is not None:
        if not -FAR <= given[0] < given[1] <= FAR:
            raise ConfigError(
                f"a range goes from a lower to a higher number, within {FAR:,}, not {given[0]} to {given[1]}"
            )
        return np.linspace(*given, SIDE)
    like = prior.mean
    shares = torch.linspace(0.02, 0.98, SIDE, dtype=like.dtype, device=like.device)
    try:
        base = prior.base_dist if isinstance(prior, Independent) else prior
        quantiles = base.icdf(shares.reshape(-1, *[1] * len(prior.event_shape)))
        return quantiles.expand(SIDE, *prior.event_shape).flatten(1)[:, dimension].numpy(force=True)
    except NotImplementedError:  # no quantile function: that of many draws
        with seeded_noise(0):
            return (
                prior.sample((10_000,))
                .reshape(10_000, -1)[:, dimension]
                .quantile(shares)
                .numpy(force=True)
            )


@requires(takes=["indices", "label"])
def reconstructions(context: PlotContext, view: View) -> "Figure":
    """Chosen rows over the means of p(x given z) at their codes."""
    chosen = choose_examples(context.run, context.rows, view.indices, view.label)
    title = f"Reconstructions of {context.kind}, {context.recipe}"
    return _pairs(context.run, reconstruct_examples(context.run, context.rows, chosen), title)


def save_reconstruction(path: Path, run: Run, result: Reconstruction) -> Path:
    """What `use.reconstruct` gave, as a picture, or its decoded values as .npy."""
    from vaekit.plots import save

    if path.suffix.lower() == ".npy":
        return save_values(path, run, iter([result.decoded]), len(result.decoded))
    return save(
        _pairs(
            run, result, f"Originals and reconstructions, {run.config.recipe} on {data_name(run)}"
        ),
        path,
    )


def _pairs(run: Run, result: Reconstruction, title: str) -> "Figure":
    from vaekit.plots import reconstructions as draw

    classes = run.config.data.classes
    shown = [
        to_pixels(run, run.transform.forward(raw, np.float32), result.originals)
        for raw in (result.originals, result.decoded)
    ]
    labels = None if result.labels is None or not classes else [classes[y] for y in result.labels]
    return draw(
        *shown, codes=result.codes.mean, indices=result.indices.tolist(), labels=labels, title=title
    )


@requires(image_rows, takes=["label", "seed"])
def samples(context: PlotContext, view: View) -> "Figure":
    """Means of p(x given z) for draws from the prior."""
    from vaekit.plots import sheet

    run = context.run
    with seeded_noise(view.seed):
        images = sample_means(
            run.model, 64, run.condition(run.in_turn(64) if view.label is None else view.label, 64)
        )
    which = "" if view.label is None else f" of {class_phrase(view.label)}"
    return sheet(context.pixels(images), title=f"Samples{which} from the prior, {context.trained}")


@requires(image_rows, kept_data, takes=["label", "seed"])
def nearest(context: PlotContext, view: View) -> "Figure":
    """Samples, and of all training rows that which is closest to each: copies would show."""
    from vaekit.plots import image_paths as lines

    run, count = context.run, 10
    with seeded_noise(view.seed):
        images = sample_means(
            run.model,
            count,
            run.condition(run.in_turn(count) if view.label is None else view.label, count),
        )
    rows, _ = nearest_training_examples(run, context.own, images)
    pairs = np.stack([context.pixels(images), context.originals(rows)])
    title = f"Samples of {context.trained}, and the training rows closest to them"
    return lines(pairs, ["samples", "closest\ntraining rows"], title=title)


@requires(image_rows, classes_given, takes=["seed"])
def classes(context: PlotContext, view: View) -> "Figure":
    """Samples of a conditional run, one class per row."""
    from vaekit.plots import image_paths as lines

    run, each = context.run, 10
    every = run.config.data.classes
    names = every[:MOST_CLASSES]
    with seeded_noise(view.seed):
        images = sample_means(
            run.model, each * len(names), run.condition(np.repeat(names, each), each * len(names))
        )
    which = (
        "by class"
        if len(names) == len(every)
        else f"of the first {len(names)} of {len(every):,} classes"
    )
    title = f"Samples {which}, {context.trained}"
    return lines(
        context.pixels(images).reshape(len(names), each, *images.shape[1:]), names, title=title
    )


@requires()
def curves(context: PlotContext, view: View) -> "Figure":
    """Losses by epoch."""
    from vaekit.plots import loss_curves

    run, metrics = context.run, context.run.history
    if not has_bound(run):
        metrics = metrics | {
            name: np.full(len(metrics[name]), np.nan)
            for name in metrics
            if name.endswith("_divergence")
        }
    return loss_curves(metrics, title=f"Training of {context.trained}", best_epoch=run.best_epoch)


@requires(continuous_latent)
def dimensions(context: PlotContext, view: View) -> "Figure":
    """What each latent dimension carries, the most active first."""
    from vaekit.plots import bars

    known, size = context.divergence is not None, len(context.activity)
    active = context.codes.var(0) > ACTIVE
    names = (f"active: its mean varies by more than {ACTIVE}", "idle")
    noun = "dimension" if size == 1 else "dimensions"
    title = f"{active.sum()} of {size} latent {noun} in use by {context.told}, {context.recipe}"
    what = ("latent dimension", "divergence, nats per row" if known else "variance of the code")
    marked = None if active.all() else (active, *names)
    return bars(
        context.activity, [f"z{i + 1}" for i in range(size)], what=what, marked=marked, title=title
    )


@requires(discrete_latent)
def usage(context: PlotContext, view: View) -> "Figure":
    """How often each code of a discrete latent is taken, the most frequent first."""
    from vaekit.plots import bars

    codes, indices = context.run.model.codebook, context.encoded.indices
    assert codes is not None and indices is not None
    own = 1 if codes.shared else codes.positions
    places = indices if codes.shared else indices + np.arange(own) * codes.count
    shares = np.bincount(places.ravel(), minlength=own * codes.count) / indices.size
    used = f"{(shares > 0).sum():,} of {len(shares):,} codes"
    title = f"{used} in use by {context.told}, {context.recipe}"
    level = (100 / len(shares), "all used alike")
    return bars(
        100 * shares, range(len(shares)), what=("code", "% of all uses"), level=level, title=title
    )


@requires()
def losses(context: PlotContext, view: View) -> "Figure":
    """How the loss and its terms are spread over rows."""
    from vaekit.plots import histograms

    terms = context.terms
    found = {
        "Loss (negative ELBO)": terms.loss,
        "Reconstruction": terms.reconstruction,
        "Divergence": terms.divergence.sum(-1),
    }
    if not terms.divergence.shape[1]:
        found = {"Loss (reconstruction alone)": terms.reconstruction}
    title = f"Losses of {context.told}, {context.recipe}"
    return histograms({name: values.numpy() for name, values in found.items()}, "nats", title=title)


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
