"""Walks through a continuous latent space: along one dimension at a time, and from one row to the next."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from vaekit.errors import ConfigError
from vaekit.inference.encode_decode import decode_means
from vaekit.run_plots.context import PlotContext, View, class_phrase
from vaekit.run_plots.requirements import continuous_latent, image_rows, requires
from vaekit.workflows.use import check_indices, reconstruct_examples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 11  # images of a walk on a page
FRAMES = 17  # of an animation, one way
MOST_DIMENSIONS, MOST_ROWS = 16, 9
RANGE = (0.025, 0.975)  # quantiles of the aggregate posterior

Course = Callable[[np.ndarray], np.ndarray]
"""From positions [T] in [0, 1] to what each of W walks has there, [W, T, ...]."""


@dataclass(frozen=True)
class LatentPaths:
    """W walks. codes: [T] -> [W, T, L]; classes: [T] -> [W, T, C], the condition's weights; labels: one for each.

    ends: rows that stand before and behind G walks each, [W / G, 2, C, H, W]; indices: which rows they are.
    """

    title: str
    labels: list[str]
    codes: Course
    classes: Course | None = None
    ends: np.ndarray | None = None
    indices: tuple[tuple[int, int], ...] = ()

    def images(self, context: PlotContext, positions: np.ndarray) -> np.ndarray:
        """What is decoded at these positions, for the eye: [W, T, C, H, W]."""
        model = context.run.model
        z = torch.tensor(self.codes(positions))
        y = None if self.classes is None else torch.tensor(self.classes(positions)).flatten(0, 1)
        decoded = decode_means(model, z.reshape(-1, *model.latent_shape), y)
        return context.pixels(decoded.unflatten(0, z.shape[:2]))


@requires(image_rows, continuous_latent, takes=["indices", "label"])
def traversals(context: PlotContext, view: View) -> LatentPaths:
    """One walk for each latent dimension, the most active first, over the range that codes have; the others stay."""
    order = np.argsort(-context.activity, kind="stable")[:MOST_DIMENSIONS]
    low, high = np.quantile(context.draws[:, order], RANGE, axis=0)
    base, label, where = _start(context, view)

    def codes(positions: np.ndarray) -> np.ndarray:
        z = np.tile(base, (len(order), len(positions), 1))
        for walk, dimension in enumerate(order):
            z[walk, :, dimension] = low[walk] + positions * (high[walk] - low[walk])
        return z

    unit = (
        "var.\N{NO-BREAK SPACE}{:.2f}"
        if context.divergence is None
        else "{:.2f}\N{NO-BREAK SPACE}nats"
    )
    carried = [unit.format(value) for value in context.activity[order]]
    ranges = [f"{a:.2f} to {b:.2f}".replace("-", "−") for a, b in zip(low, high, strict=True)]
    labels = [
        f"z{i + 1} {text}\n{span}" for i, text, span in zip(order, carried, ranges, strict=True)
    ]
    size = len(base)
    which = "all dimensions, most active first" if size > 1 else "the one dimension"
    which = f"the {len(order)} most active of {size} dimensions" if size > len(order) else which
    rest = (
        f"; the rest at {where}"
        if size > 1
        else f"; {class_phrase(label)}"
        if label is not None
        else ""
    )
    title = (
        f"Traversals, {context.recipe}: {which}, 2.5 to 97.5 % of the codes of {context.kind}{rest}"
    )
    return LatentPaths(title, labels, codes, _constant(context, label, len(order)))


def _start(context: PlotContext, view: View) -> tuple[np.ndarray, str | None, str]:
    """The code to start from, its class in a conditional run, and how to say so."""
    names = context.run.config.data.classes if context.run.model.classes else ()
    label = view.label if view.label is not None or not names else names[0]
    if view.indices is None:
        base, where = context.codes.mean(0), "the mean code"
    elif len(view.indices) > 1:
        raise ConfigError(
            f"traversals start from one row, {len(view.indices)} were given: write --index {view.indices[0]}"
        )
    else:
        row = reconstruct_examples(context.run, context.rows, view.indices)
        base, where = row.codes.mean[0], f"the code of row {row.indices[0]}"
        if names and view.label is None and row.labels is not None:
            label = names[row.labels[0]]
    return base, label, where + ("" if label is None else f", {class_phrase(label)}")


@requires(image_rows, continuous_latent, takes=["indices", "label"])
def interpolations(context: PlotContext, view: View) -> LatentPaths:
    """Two walks between each chosen row and the next: straight, and on a sphere where there is one."""
    chosen = (
        _spread(context) if view.indices is None else check_indices(view.indices, len(context.rows))
    )
    if not 2 <= len(chosen) <= MOST_ROWS:
        raise ConfigError(
            f"interpolations go between rows, 2 to {MOST_ROWS} of them, not {len(chosen)}: write --index 3,18"
        )
    rows = reconstruct_examples(context.run, context.rows, chosen)
    z = rows.codes.mean.astype(np.float64)
    courses = {"straight": straight} | ({"spherical": slerp} if z.shape[1] > 1 else {})
    pairs = list(pairwise(range(len(chosen))))

    def codes(positions: np.ndarray) -> np.ndarray:
        return np.stack(
            [walk(z[a], z[b], positions) for a, b in pairs for walk in courses.values()]
        ).astype(np.float32)

    originals = context.originals(rows.originals)
    indices = tuple((int(chosen[a]), int(chosen[b])) for a, b in pairs)
    labels = [f"rows {a} → {b}\n{name}" for a, b in indices for name in courses]
    title = f"Interpolations between {context.kind}, {context.recipe}: originals at both ends"
    if view.label is not None or not context.run.model.classes:
        classes = _constant(context, view.label, len(labels))
    else:
        weights = np.eye(context.run.model.classes, dtype=np.float32)[rows.labels]
        classes = lambda t: np.repeat(
            [straight(weights[a], weights[b], t) for a, b in pairs], len(courses), 0
        )  # noqa: E731
    return LatentPaths(
        title, labels, codes, classes, np.stack([originals[[a, b]] for a, b in pairs]), indices
    )


def _spread(context: PlotContext) -> np.ndarray:
    """Four rows: the first of different classes, or spread evenly where there are no two."""
    if (
        context.rows.y is not None
        and len(firsts := np.unique(context.rows.y, return_index=True)[1]) > 1
    ):
        return np.sort(firsts)[:4]
    return np.linspace(0, len(context.rows) - 1, 4).astype(int)


def straight(a: np.ndarray, b: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The points (1 - t) a + t b for positions t [T], [T, L]."""
    t = positions[:, None].astype(a.dtype)
    return (1 - t) * a + t * b


def slerp(a: np.ndarray, b: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Spherical interpolation from code a to code b [L] at positions t [T], [T, L] (Shoemake, 1985).

    The direction turns evenly, (sin((1 - t) w) a / |a| + sin(t w) b / |b|) / sin w with w the angle between the two, and the
    length goes evenly from |a| to |b|. Codes with no angle between them, or no one plane to turn in, are joined by a line.

    Better than straight for many dimensions under a normal prior: codes then lie on a shell of radius sqrt(L), and the
    middle of a line between two of them is at 0.7 of it, where hardly any code is. Straight is better in few dimensions,
    where codes fill the ball, and wherever the origin means nothing, as in a plain autoencoder.

    >>> slerp(np.array([2.0, 0.0]), np.array([0.0, 2.0]), np.array([0.5])).round(3)
    array([[1.414, 1.414]])
    """
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if min(lengths) == 0:
        return straight(a, b, positions)
    first, second = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(first @ second, -1, 1))
    if np.sin(angle) < 1e-6:
        return straight(a, b, positions)
    t = positions[:, None]
    direction = (np.sin((1 - t) * angle) * first + np.sin(t * angle) * second) / np.sin(angle)
    return ((1 - t) * lengths[0] + t * lengths[1]) * direction


def _constant(context: PlotContext, label: str | None, count: int) -> Course | None:
    """The weights of one class everywhere, of a conditional run."""
    y = context.run.condition(label, 1)
    if y is None:
        return None
    weights = np.eye(context.run.model.classes, dtype=np.float32)[int(y)]
    return lambda positions: np.tile(weights, (count, len(positions), 1))


LATENT_PATH_PLOTS: dict[str, Callable[[PlotContext, View], LatentPaths]] = {
    "traversals": traversals,
    "interpolations": interpolations,
}


def draw_paths(context: PlotContext, paths: LatentPaths) -> "Figure":
    """Walks one under the other, from left to right."""
    from vaekit.plots import image_paths as draw

    images = paths.images(context, np.linspace(0, 1, STEPS))
    return draw(images, paths.labels, ends=paths.ends, title=paths.title)


def save_path_animation(path: Path, context: PlotContext, paths: LatentPaths) -> Path:
    """Walks side by side, there and back without end."""
    from vaekit.plots import save_animation

    positions = (
        1 - np.cos(np.linspace(0, np.pi, FRAMES))
    ) / 2  # slowly at both ends, where they turn
    images, captions = (
        paths.images(context, positions).swapaxes(0, 1),
        [label.split("\n")[0] for label in paths.labels],
    )
    columns = None
    if paths.ends is not None:
        images, captions = _between_ends(images, paths)
        columns = len(captions) // len(paths.ends)
    return save_animation(images, path, columns, captions=captions, title=paths.title)


def _between_ends(images: np.ndarray, paths: LatentPaths) -> tuple[np.ndarray, list[str]]:
    """Images [T, W, ...] with the walks of each pair of rows between these, and all their captions."""
    assert paths.ends is not None
    pairs = len(paths.ends)
    grouped = images.reshape(len(images), pairs, -1, *images.shape[2:])
    ends = np.broadcast_to(paths.ends, (len(images), *paths.ends.shape))
    whole = np.concatenate([ends[:, :, :1], grouped, ends[:, :, 1:]], axis=2)
    names = [label.split("\n")[1] for label in paths.labels[: grouped.shape[2]]]
    captions = [text for a, b in paths.indices for text in (f"row {a}", *names, f"row {b}")]
    return whole.reshape(len(images), -1, *images.shape[2:]), captions
