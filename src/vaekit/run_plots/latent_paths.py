"""Paths through a continuous latent space, decoded as images: still or as an animation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from vaekit.inference.encode_decode import decode_means
from vaekit.run_plots.context import PlotContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 11
"""Images per path in a figure."""
FRAMES = 17
"""Images per path in an animation, one way."""

Course = Callable[[np.ndarray], np.ndarray]
"""From positions [T] in [0, 1] to values along P paths, [P, T, ...]."""


@dataclass(frozen=True)
class LatentPaths:
    """P paths through a latent space.

    Attributes:
        title: Title of the figure.
        labels: One label per path.
        codes: Positions [T] -> latent codes [P, T, L].
        classes: Positions [T] -> weights of the classes [P, T, C], of a conditional run.
        ends: Examples before and behind each group of G paths, [P / G, 2, C, H, W].
        indices: The indices of these examples.
        end_names: The names of these examples.
    """

    title: str
    labels: list[str]
    codes: Course
    classes: Course | None = None
    ends: np.ndarray | None = None
    indices: tuple[tuple[int, int], ...] = ()
    end_names: tuple[tuple[str, str], ...] = ()

    def images(self, context: PlotContext, positions: np.ndarray) -> np.ndarray:
        """The paths decoded at these positions, as pixels [P, T, C, H, W]."""
        model = context.run.model
        z = torch.tensor(self.codes(positions))
        y = None if self.classes is None else torch.tensor(self.classes(positions)).flatten(0, 1)
        decoded = decode_means(model, z.reshape(-1, *model.latent_shape), y)
        return context.pixels(decoded.unflatten(0, z.shape[:2]))


def constant_class(context: PlotContext, label: str | None, count: int) -> Course | None:
    """The weights of one class along `count` paths; None if the run is not conditional."""
    y = context.run.condition(label, 1)
    if y is None:
        return None
    weights = np.eye(context.run.model.classes, dtype=np.float32)[int(y)]
    return lambda positions: np.tile(weights, (count, len(positions), 1))


def draw_paths(context: PlotContext, paths: LatentPaths) -> "Figure":
    """The paths as rows of images, from left to right."""
    from vaekit.plots import image_rows

    images = paths.images(context, np.linspace(0, 1, STEPS))
    return image_rows(images, paths.labels, ends=paths.ends, title=context.title(paths.title))


def save_path_animation(path: Path, context: PlotContext, paths: LatentPaths) -> Path:
    """Write the paths side by side as an animation that plays forward and back in a loop."""
    from vaekit.plots import save_animation

    positions = (1 - np.cos(np.linspace(0, np.pi, FRAMES))) / 2  # slower at both ends
    images = paths.images(context, positions).swapaxes(0, 1)
    captions = [label.split("\n")[0] for label in paths.labels]
    columns = None
    if paths.ends is not None:
        images, captions = _between_ends(images, paths)
        columns = len(captions) // len(paths.ends)
    title = context.title(paths.title)
    return save_animation(images, path, columns, captions=captions, title=title)


def _between_ends(images: np.ndarray, paths: LatentPaths) -> tuple[np.ndarray, list[str]]:
    """Images [T, P, ...] with each group of paths between its two examples, and all captions."""
    assert paths.ends is not None
    grouped = images.reshape(len(images), len(paths.ends), -1, *images.shape[2:])
    ends = np.broadcast_to(paths.ends, (len(images), *paths.ends.shape))
    joined = np.concatenate([ends[:, :, :1], grouped, ends[:, :, 1:]], axis=2)
    names = [label.split("\n")[-1] for label in paths.labels[: grouped.shape[2]]]
    captions = [text for a, b in paths.end_names for text in (a, *names, b)]
    return joined.reshape(len(images), -1, *images.shape[2:]), captions
