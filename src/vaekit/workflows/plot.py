"""The pictures of a run: what the arrays are, and which figure shows them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Independent

from vaekit import store
from vaekit.data import Rows
from vaekit.data.splits import Part
from vaekit.errors import ConfigError, suggest
from vaekit.evaluation import decode_means, elbo_per_row
from vaekit.noise import noise
from vaekit.store import Run, load_run
from vaekit.workflows.prepare import load_data, stored_split
from vaekit.workflows.rows import as_inputs
from vaekit.workflows.use import Reconstruction, encode, pick, save_values, to_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_POINTS = 50_000
SIDE = 15
MOST_CLASSES = 20
Range = tuple[float, float]


@dataclass(frozen=True)
class View:
    """What to show: of which rows, where in the latent space.

    indices: rows of the split; None takes ten spread evenly.
    across, down: ranges of the two latent axes of the grid; None goes over the prior's quantiles.
    projection: of more than two latent dimensions, the two most active or the principal components.
    label: of a conditional run, the class that is decoded; None: all in turn, or in the grid the first.
    """

    indices: Sequence[int] | None = None
    across: Range | None = None
    down: Range | None = None
    projection: Literal["active", "pca"] = "active"
    label: str | None = None
    seed: int = 0


@dataclass
class Subject:
    """A run with the rows that its pictures show; they are found, and encoded, once, when a picture first needs them."""

    run: Run
    find: Callable[[], Rows]

    @cached_property
    def rows(self) -> Rows:
        return self.find()

    @property
    def name(self) -> str:
        return short_name(self.run)

    @cached_property
    def codes(self) -> np.ndarray:
        """The means of q(z given x), [N, L]."""
        return encode(self.run, Rows(self.rows.x[:MOST_POINTS], self.labels())).mean

    @cached_property
    def activity(self) -> np.ndarray:
        """How much each latent dimension carries, [L]: its divergence in nats or, where that is not known, its variance."""
        first = as_inputs(self.run, self.rows, 2000)
        divergence = elbo_per_row(self.run.model, first).divergence.mean(0).numpy()
        return divergence if len(divergence) == self.codes.shape[1] else self.codes.var(0)

    @property
    def recipe(self) -> str:
        return self.run.config.recipe

    def labels(self) -> np.ndarray | None:
        return None if self.rows.y is None else self.rows.y[:MOST_POINTS]

    def dimensions(self) -> tuple[int, int]:
        """The two most active, the most active first; of two in their order, the only one twice."""
        size = self.run.model.latent_shape.numel()
        if size <= 2:
            return 0, size - 1
        first, second = np.argsort(-self.activity, kind="stable")[:2].tolist()
        return first, second

    def pixels(self, values: np.ndarray | Tensor) -> np.ndarray:
        """What the model takes or gives, for the eye."""
        return to_pixels(self.run, values, self.rows.x[:1000] if self.run.transform.kind == "real" else None)


def plot(
    run: Run | str | os.PathLike,
    names: Sequence[str] = (),
    *,
    data: Any = None,
    split: Part = "test",
    out: str | os.PathLike | None = None,
    **view: Any,
) -> list[Path]:
    """Draw pictures of a run by name (see `PLOTS`; none stands for all that the data allow) and return their paths.

    data: the dataset, where it is at hand already. out: a folder, or a file for a single picture; default RUN/plots.
    view: the fields of `View`.
    """
    from vaekit.plots import save

    for name in names:
        if name not in PLOTS:
            raise ConfigError(f"unknown plot {name!r}: {suggest(name, PLOTS)}")
    run = run if isinstance(run, Run) else load_run(run)
    for name in names:
        if reason := unsuited(name, run):
            raise ConfigError(f"{name} {reason}")
    chosen = list(names) or [name for name in PLOTS if not unsuited(name, run)]
    subject = Subject(run, lambda: stored_split(run.path).rows(load_data(run.config, data), split))
    paths = _places(run.path / store.PLOTS if out is None else Path(out), chosen)
    with torch.no_grad():
        return [save(PLOTS[name](subject, View(**view)), path) for name, path in zip(chosen, paths, strict=True)]


def unsuited(name: str, run: Run) -> str | None:
    """Why a run has no picture of this name, and what to do; None where it has one."""
    shape = run.model.data_shape
    if name in ("grid", "samples", "classes") and len(shape) != 3:
        return f"needs images, the rows of this run have shape {shape}: try reconstructions"
    if name == "grid" and run.model.codes is not None:
        return "needs a continuous latent, that of this run is discrete: try samples"
    if name == "classes" and not run.model.classes:
        return "needs a conditional run: train one with --conditional"
    return None


def short_name(run: Run) -> str:
    """The run's data, as titles call them."""
    return Path(run.config.data.source).stem


def _places(out: Path, names: Sequence[str]) -> list[Path]:
    if out.suffix:
        if len(names) != 1:
            raise ConfigError(f"{out} is one file for {len(names)} pictures: give a folder, or name one picture")
        return [out]
    return [out / f"{name}.png" for name in names]


def latent(subject: Subject, view: View) -> "Figure":
    """The means of q(z given x), by class."""
    from vaekit.plots import latent_scatter, project

    discrete = subject.run.model.codes is not None  # single dimensions of a code vector say nothing
    points, names, which = project(subject.codes, "pca" if discrete else view.projection, subject.activity)
    title = f"Codes of {len(points):,} {subject.name} rows, {subject.recipe}" + (f": {which}" if which else "")
    return latent_scatter(points, subject.labels(), subject.run.config.data.classes, title=title, names=names)


def grid(subject: Subject, view: View) -> "Figure":
    """Decoded points of the latent plane."""
    from vaekit.plots import decoded_grid

    first, second = subject.dimensions()
    size = subject.run.model.latent_shape.numel()
    across = _coordinates(subject, first, view.across)
    down = _coordinates(subject, second, view.down) if size > 1 else np.zeros(1)
    z = torch.zeros(len(down), SIDE, size)
    z[..., second] = torch.tensor(down, dtype=z.dtype)[:, None]
    z[..., first] = torch.tensor(across, dtype=z.dtype)[None, :]
    model = subject.run.model
    label = view.label if view.label is not None or not model.classes else subject.run.config.data.classes[0]
    y = subject.run.condition(label, z.shape[:2].numel())
    images = subject.pixels(decode_means(model, z.reshape(-1, *model.latent_shape), y).unflatten(0, z.shape[:2]))
    where = "prior quantiles" if view.across is None else "latent range"
    rest = f", the other {size - 2} dimensions at 0" if size > 2 else ""
    title = f"Decoded {where}, {subject.recipe} on {subject.name}{rest}" + (f", class {label}" if label is not None else "")
    return decoded_grid(images, across, down, names=(f"z{first + 1}", f"z{second + 1}" if size > 1 else ""), title=title)


def _coordinates(subject: Subject, dimension: int, given: Range | None) -> np.ndarray:
    if given is not None:
        if not given[0] < given[1]:
            raise ConfigError(f"a range goes from a lower to a higher number, not {given[0]} to {given[1]}")
        return np.linspace(*given, SIDE)
    shares = torch.linspace(0.02, 0.98, SIDE)
    model = subject.run.model
    prior = model.prior_given(model.first_class(1))
    try:
        base = prior.base_dist if isinstance(prior, Independent) else prior
        quantiles = base.icdf(shares.reshape(-1, *[1] * len(prior.event_shape)))
        return quantiles.expand(SIDE, *prior.event_shape).flatten(1)[:, dimension].numpy(force=True)
    except NotImplementedError:  # no quantile function: that of many draws
        with noise(0):
            return prior.sample((10_000,)).flatten(1)[:, dimension].quantile(shares).numpy(force=True)


def reconstructions(subject: Subject, view: View) -> "Figure":
    """Chosen rows over the means of p(x given z) at their codes."""
    return _pairs(subject.run, pick(subject.run, subject.rows, view.indices), subject.name)


def save_reconstruction(path: Path, run: Run, result: Reconstruction) -> Path:
    """What `use.reconstruct` gave, as a picture, or its decoded values as .npy."""
    from vaekit.plots import save

    if path.suffix.lower() == ".npy":
        return save_values(path, run, result.decoded)
    return save(_pairs(run, result, short_name(run)), path)


def _pairs(run: Run, result: Reconstruction, name: str) -> "Figure":
    from vaekit.plots import reconstructions as draw

    classes = run.config.data.classes
    shown = [
        to_pixels(run, run.transform.forward(raw, np.float32), result.originals) for raw in (result.originals, result.decoded)
    ]
    labels = None if result.labels is None or not classes else [classes[y] for y in result.labels]
    title = f"Originals and reconstructions, {run.config.recipe} on {name}"
    return draw(*shown, codes=result.codes.mean, indices=result.indices.tolist(), labels=labels, title=title)


def samples(subject: Subject, view: View) -> "Figure":
    """Means of p(x given z) for draws from the prior."""
    from vaekit.plots import sheet

    run = subject.run
    with noise(view.seed):
        images = run.model.sample(64, run.condition(view.label, 64))
    return sheet(subject.pixels(images), title=f"Samples from the prior, {subject.recipe} on {subject.name}")


def classes(subject: Subject, view: View) -> "Figure":
    """Samples of a conditional run, one class per row."""
    from vaekit.plots import sheet

    run, each = subject.run, 10
    names = run.config.data.classes[:MOST_CLASSES]
    with noise(view.seed):
        images = run.model.sample(each * len(names), run.condition(np.repeat(names, each), each * len(names)))
    captions = [name if i == 0 else "" for name in names for i in range(each)]
    title = f"Samples by class, {subject.recipe} on {subject.name}"
    return sheet(subject.pixels(images), each, title=title, captions=captions)


def curves(subject: Subject, view: View) -> "Figure":
    """Losses by epoch."""
    from vaekit.plots import loss_curves

    return loss_curves(subject.run.metrics, title=f"Training of {subject.recipe} on {subject.name}")


PLOTS: dict[str, Callable[[Subject, View], "Figure"]] = {
    "latent": latent,
    "grid": grid,
    "reconstructions": reconstructions,
    "samples": samples,
    "classes": classes,
    "curves": curves,
}
