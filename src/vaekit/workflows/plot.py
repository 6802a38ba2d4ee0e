"""The pictures of a run: what the arrays are, and which figure shows them."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.distributions import Distribution, Independent

from vaekit import store
from vaekit.data import Dataset
from vaekit.data.splits import Part
from vaekit.decoding import decode_means, sample_means
from vaekit.errors import ConfigError, suggest
from vaekit.evaluation.latent import ACTIVE
from vaekit.noise import noise
from vaekit.store import Run, load_run
from vaekit.workflows.files import save_values
from vaekit.workflows.needs import classes_given, continuous_latent, discrete_latent, image_rows, kept_data, needs, unsuited
from vaekit.workflows.protocol import has_bound
from vaekit.workflows.rows import rows_to_judge
from vaekit.workflows.subject import Range, Subject, View, of_class, short_name
from vaekit.workflows.training_rows import nearest_training
from vaekit.workflows.use import Reconstruction, choose, pick, to_pixels
from vaekit.workflows.walks import WALKS, animation, page

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
    split: Part | None = None,
    out: str | os.PathLike | None = None,
    format: str | None = None,
    **view: Any,
) -> list[Path]:
    """Draw pictures of a run by name and return their paths.

    names: of `PLOTS` or `WALKS`; none stands for all of `PLOTS` that the run allows.
    data: rows to show in the place of the run's own, or the run's dataset, where it is at hand already. out: a folder, or a
        file for a single picture, of `WALKS` also .gif or .webp; default RUN/plots. format: of pictures in a folder, png, pdf
        or svg; default png.
    view: the fields of `View`.
    """
    known, names = PLOTS | WALKS, [names] if isinstance(names, str) else names
    for name in names:
        if name not in known:
            raise ConfigError(f"unknown plot {name!r}: {suggest(name, known)}")
    run = run if isinstance(run, Run) else load_run(run)
    for name in names:
        if reason := unsuited(known[name], run):
            raise ConfigError(f"{name} {reason}")
    if unknown := view.keys() - View.__dataclass_fields__.keys():
        raise ConfigError(f"unknown option {min(unknown)!r}: {suggest(min(unknown), View.__dataclass_fields__)}")
    if data is not None and not isinstance(data, Dataset) and out is None:
        raise ConfigError("pictures of other rows than the run's own need a place of their own: name it with --out")
    chosen = list(names) or [name for name, picture in PLOTS.items() if not unsuited(picture, run)]
    _check_taken(View(**view), {name: known[name] for name in chosen})
    own = (lambda: data) if isinstance(data, Dataset) else None
    found = cache(lambda: rows_to_judge(run, split, data))
    subject = Subject(run, lambda: found()[0], _called(data), own, lambda: found()[1])
    paths = _places(run.path / store.PLOTS if out is None else Path(out), chosen, format)
    with torch.no_grad():
        return [_save(name, subject, View(**view), path) for name, path in zip(chosen, paths, strict=True)]


def _called(data: Any) -> str | None:
    """What titles call rows that are not the run's own."""
    if data is None or isinstance(data, Dataset):
        return None
    return Path(data).stem if isinstance(data, str | os.PathLike) else "given"


def _check_taken(view: View, pictures: dict[str, Callable]) -> None:
    """ConfigError for an option that makes no difference to any of the pictures."""
    for field, value in vars(view).items():
        if value != getattr(View, field) and not any(field in getattr(picture, "takes", ()) for picture in pictures.values()):
            takers = [name for name, picture in (PLOTS | WALKS).items() if field in getattr(picture, "takes", ())]
            raise ConfigError(f"{field} makes no difference to {', '.join(pictures)}: it is for {', '.join(takers)}")


def _save(name: str, subject: Subject, view: View, path: Path) -> Path:
    from vaekit.plots import ANIMATIONS, save

    moving = path.suffix.lower() in ANIMATIONS
    if name not in WALKS and moving:
        raise ConfigError(f"{name} does not move: {path.suffix} is for {' and '.join(WALKS)}, write .png, .pdf or .svg")
    if name not in WALKS:
        return save(PLOTS[name](subject, view), path)
    walks = WALKS[name](subject, view)
    return animation(path, subject, walks) if moving else save(page(subject, walks), path)


def _places(out: Path, names: Sequence[str], format: str | None) -> list[Path]:
    from vaekit.plots.style import FORMATS

    if format is not None and f".{format}" not in FORMATS:
        raise ConfigError(f"format {format!r}: {suggest(format, [suffix[1:] for suffix in FORMATS])}")
    if not out.suffix:
        return [out / f"{name}.{format or 'png'}" for name in names]
    if len(names) != 1:
        raise ConfigError(f"{out} is one file for {len(names)} pictures: give a folder, or name one picture")
    if format is not None:
        raise ConfigError(f"{out} says its format already: leave out --format, or give a folder")
    return [out]


@needs(takes=["projection"])
def latent(subject: Subject, view: View) -> "Figure":
    """The means of q(z given x), by class."""
    from vaekit.plots import latent_scatter, project

    discrete = subject.run.model.codebook is not None  # single dimensions of a code vector say nothing
    points, names, which = project(subject.codes, "pca" if discrete else view.projection, subject.activity)
    title = f"Codes of {subject.told}, {subject.recipe}" + (f": {which}" if which else "")
    return latent_scatter(points, subject.shown.y, subject.run.config.data.classes, title=title, names=names)


@needs(image_rows, continuous_latent, takes=["across", "down", "label"])
def grid(subject: Subject, view: View) -> "Figure":
    """Decoded points of the latent plane."""
    from vaekit.plots import decoded_grid

    first, second = subject.dimensions()
    model, size = subject.run.model, subject.run.model.latent_shape.numel()
    label = view.label if view.label is not None or not model.classes else subject.run.config.data.classes[0]
    prior = model.prior_given(subject.run.condition(label, 1))
    across = _coordinates(prior, first, view.across)
    down = _coordinates(prior, second, view.down) if size > 1 else np.zeros(1)
    z = prior.mean.reshape(-1, size)[0].cpu().repeat(len(down), SIDE, 1)
    z[..., second] = torch.tensor(down, dtype=z.dtype)[:, None]
    z[..., first] = torch.tensor(across, dtype=z.dtype)[None, :]
    y = subject.run.condition(label, z.shape[:2].numel())
    images = subject.pixels(decode_means(model, z.reshape(-1, *model.latent_shape), y).unflatten(0, z.shape[:2]))
    where = "prior quantiles" if view.across is None else "latent range"
    others = f"other {size - 2} dimensions" if size > 3 else "other dimension"
    rest = f", the {others} at {'the mean' if prior.mean.any() else '0'}" if size > 2 else ""
    title = f"Decoded {where}, {subject.trained}{rest}" + (f", {of_class(label)}" if label is not None else "")
    return decoded_grid(images, across, down, names=(f"z{first + 1}", f"z{second + 1}" if size > 1 else ""), title=title)


def _coordinates(prior: Distribution, dimension: int, given: Range | None) -> np.ndarray:
    if given is not None:
        if not -FAR <= given[0] < given[1] <= FAR:
            raise ConfigError(f"a range goes from a lower to a higher number, within {FAR:,}, not {given[0]} to {given[1]}")
        return np.linspace(*given, SIDE)
    like = prior.mean
    shares = torch.linspace(0.02, 0.98, SIDE, dtype=like.dtype, device=like.device)
    try:
        base = prior.base_dist if isinstance(prior, Independent) else prior
        quantiles = base.icdf(shares.reshape(-1, *[1] * len(prior.event_shape)))
        return quantiles.expand(SIDE, *prior.event_shape).flatten(1)[:, dimension].numpy(force=True)
    except NotImplementedError:  # no quantile function: that of many draws
        with noise(0):
            return prior.sample((10_000,)).reshape(10_000, -1)[:, dimension].quantile(shares).numpy(force=True)


@needs(takes=["indices", "label"])
def reconstructions(subject: Subject, view: View) -> "Figure":
    """Chosen rows over the means of p(x given z) at their codes."""
    chosen = choose(subject.run, subject.rows, view.indices, view.label)
    title = f"Reconstructions of {subject.kind}, {subject.recipe}"
    return _pairs(subject.run, pick(subject.run, subject.rows, chosen), title)


def save_reconstruction(path: Path, run: Run, result: Reconstruction) -> Path:
    """What `use.reconstruct` gave, as a picture, or its decoded values as .npy."""
    from vaekit.plots import save

    if path.suffix.lower() == ".npy":
        return save_values(path, run, iter([result.decoded]), len(result.decoded))
    return save(_pairs(run, result, f"Originals and reconstructions, {run.config.recipe} on {short_name(run)}"), path)


def _pairs(run: Run, result: Reconstruction, title: str) -> "Figure":
    from vaekit.plots import reconstructions as draw

    classes = run.config.data.classes
    shown = [
        to_pixels(run, run.transform.forward(raw, np.float32), result.originals) for raw in (result.originals, result.decoded)
    ]
    labels = None if result.labels is None or not classes else [classes[y] for y in result.labels]
    return draw(*shown, codes=result.codes.mean, indices=result.indices.tolist(), labels=labels, title=title)


@needs(image_rows, takes=["label", "seed"])
def samples(subject: Subject, view: View) -> "Figure":
    """Means of p(x given z) for draws from the prior."""
    from vaekit.plots import sheet

    run = subject.run
    with noise(view.seed):
        images = sample_means(run.model, 64, run.condition(run.in_turn(64) if view.label is None else view.label, 64))
    which = "" if view.label is None else f" of {of_class(view.label)}"
    return sheet(subject.pixels(images), title=f"Samples{which} from the prior, {subject.trained}")


@needs(image_rows, kept_data, takes=["label", "seed"])
def nearest(subject: Subject, view: View) -> "Figure":
    """Samples, and of all training rows that which is closest to each: copies would show."""
    from vaekit.plots import walks as lines

    run, count = subject.run, 10
    with noise(view.seed):
        images = sample_means(run.model, count, run.condition(run.in_turn(count) if view.label is None else view.label, count))
    rows, _ = nearest_training(run, subject.own, images)
    pairs = np.stack([subject.pixels(images), subject.originals(rows)])
    title = f"Samples of {subject.trained}, and the training rows closest to them"
    return lines(pairs, ["samples", "closest\ntraining rows"], title=title)


@needs(image_rows, classes_given, takes=["seed"])
def classes(subject: Subject, view: View) -> "Figure":
    """Samples of a conditional run, one class per row."""
    from vaekit.plots import walks as lines

    run, each = subject.run, 10
    every = run.config.data.classes
    names = every[:MOST_CLASSES]
    with noise(view.seed):
        images = sample_means(run.model, each * len(names), run.condition(np.repeat(names, each), each * len(names)))
    which = "by class" if len(names) == len(every) else f"of the first {len(names)} of {len(every):,} classes"
    title = f"Samples {which}, {subject.trained}"
    return lines(subject.pixels(images).reshape(len(names), each, *images.shape[1:]), names, title=title)


@needs()
def curves(subject: Subject, view: View) -> "Figure":
    """Losses by epoch."""
    from vaekit.plots import loss_curves

    run, metrics = subject.run, subject.run.metrics
    if not has_bound(run):
        metrics = metrics | {name: np.full(len(metrics[name]), np.nan) for name in metrics if name.endswith("_divergence")}
    return loss_curves(metrics, title=f"Training of {subject.trained}", best_epoch=run.kept)


@needs(continuous_latent)
def dimensions(subject: Subject, view: View) -> "Figure":
    """What each latent dimension carries, the most active first."""
    from vaekit.plots import bars

    known, size = subject.divergence is not None, len(subject.activity)
    active = subject.codes.var(0) > ACTIVE
    names = (f"active: its mean varies by more than {ACTIVE}", "idle")
    noun = "dimension" if size == 1 else "dimensions"
    title = f"{active.sum()} of {size} latent {noun} in use by {subject.told}, {subject.recipe}"
    what = ("latent dimension", "divergence, nats per row" if known else "variance of the code")
    marked = None if active.all() else (active, *names)
    return bars(subject.activity, [f"z{i + 1}" for i in range(size)], what=what, marked=marked, title=title)


@needs(discrete_latent)
def usage(subject: Subject, view: View) -> "Figure":
    """How often each code of a discrete latent is taken, the most frequent first."""
    from vaekit.plots import bars

    codes, indices = subject.run.model.codebook, subject.encoded.indices
    assert codes is not None and indices is not None
    own = 1 if codes.shared else codes.positions
    places = indices if codes.shared else indices + np.arange(own) * codes.count
    shares = np.bincount(places.ravel(), minlength=own * codes.count) / indices.size
    used = f"{(shares > 0).sum():,} of {len(shares):,} codes"
    title = f"{used} in use by {subject.told}, {subject.recipe}"
    level = (100 / len(shares), "all used alike")
    return bars(100 * shares, range(len(shares)), what=("code", "% of all uses"), level=level, title=title)


@needs()
def losses(subject: Subject, view: View) -> "Figure":
    """How the loss and its terms are spread over rows."""
    from vaekit.plots import histograms

    terms = subject.terms
    found = {"Loss (negative ELBO)": terms.loss, "Reconstruction": terms.reconstruction, "Divergence": terms.divergence.sum(-1)}
    if not terms.divergence.shape[1]:
        found = {"Loss (reconstruction alone)": terms.reconstruction}
    title = f"Losses of {subject.told}, {subject.recipe}"
    return histograms({name: values.numpy() for name, values in found.items()}, "nats", title=title)


PLOTS: dict[str, Callable[[Subject, View], "Figure"]] = {
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
