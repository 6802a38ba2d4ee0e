"""Interpolations between the latent codes of examples."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from vaekit.errors import ConfigError
from vaekit.run_plots.context import PlotContext, View, class_phrase
from vaekit.run_plots.latent_paths import Course, LatentPaths, constant_class
from vaekit.run_plots.requirements import continuous_latent, image_data, requires
from vaekit.runs.reconstruction import check_indices, reconstruct_examples

MAX_EXAMPLES = 9
DEFAULT_EXAMPLES = 4
MIN_SINE = 1e-6

Interpolate = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""From two codes [L] and positions [T] to codes [T, L]."""


@requires(image_data, continuous_latent, takes=["indices", "label"])
def interpolations(context: PlotContext, view: View) -> LatentPaths:
    """Linear and spherical interpolations between each selected example and the next."""
    indices = _indices(context, view)
    examples = reconstruct_examples(context.run, context.examples, indices)
    z = examples.codes.mean.astype(np.float64)
    kinds: dict[str, Interpolate] = {"linear": lerp}
    if z.shape[1] > 1:
        kinds["spherical"] = slerp
    pairs = list(pairwise(range(len(indices))))
    names = [(int(indices[a]), int(indices[b])) for a, b in pairs]

    def codes(positions: np.ndarray) -> np.ndarray:
        paths = [kind(z[a], z[b], positions) for a, b in pairs for kind in kinds.values()]
        return np.stack(paths).astype(np.float32)

    originals = context.raw_pixels(examples.originals)
    return LatentPaths(
        f"Interpolations between {context.kind}, {context.recipe}: originals at both ends",
        [
            f"{heading}\n{kind}"
            for heading in _headings(context, examples.labels, pairs, names)
            for kind in kinds
        ],
        codes,
        _classes(context, view, examples.labels, pairs, len(kinds)),
        np.stack([originals[[a, b]] for a, b in pairs]),
        tuple(names),
        _end_names(context, examples.labels, pairs, names),
    )


def _class_names(context: PlotContext, labels: np.ndarray | None) -> list[str] | None:
    """The class of each selected example; None if the examples have no named classes."""
    classes = context.run.config.data.classes
    if labels is None or not classes:
        return None
    return [classes[label] for label in labels]


def _headings(
    context: PlotContext,
    labels: np.ndarray | None,
    pairs: Sequence[tuple[int, int]],
    names: Sequence[tuple[int, int]],
) -> list[str]:
    """The examples of each path and, if they have classes, the classes."""
    classes = _class_names(context, labels)
    headings = [f"examples {a} → {b}" for a, b in names]
    if classes is None:
        return headings
    return [
        f"{class_phrase(classes[a])} → {classes[b]}\n{heading}"
        for (a, b), heading in zip(pairs, headings, strict=True)
    ]


def _end_names(
    context: PlotContext,
    labels: np.ndarray | None,
    pairs: Sequence[tuple[int, int]],
    names: Sequence[tuple[int, int]],
) -> tuple[tuple[str, str], ...]:
    """The names of the examples at both ends of each path."""
    classes = _class_names(context, labels)

    def name(position: int, index: int) -> str:
        text = f"example {index}"
        return text if classes is None else f"{text}, {class_phrase(classes[position])}"

    return tuple((name(a, i), name(b, j)) for (a, b), (i, j) in zip(pairs, names, strict=True))


def _indices(context: PlotContext, view: View) -> np.ndarray:
    if view.indices is None:
        indices = _default_indices(context)
    else:
        indices = check_indices(view.indices, len(context.examples))
    if not 2 <= len(indices) <= MAX_EXAMPLES:
        raise ConfigError.for_value(
            "indices",
            indices.tolist(),
            f"2 to {MAX_EXAMPLES} indices",
            problem="interpolations go between examples",
        )
    return indices


def _default_indices(context: PlotContext) -> np.ndarray:
    """Four examples: the first of different classes or, with fewer than two, spread evenly."""
    y, count = context.examples.y, len(context.examples)
    if y is not None:
        _, first = np.unique(y, return_index=True)
        if len(first) > 1:
            return np.sort(first)[:DEFAULT_EXAMPLES]
    return np.linspace(0, count - 1, DEFAULT_EXAMPLES).astype(int)


def _classes(
    context: PlotContext,
    view: View,
    labels: np.ndarray | None,
    pairs: list[tuple[int, int]],
    kinds: int,
) -> Course | None:
    """Class weights along the paths: of one class, or from class to class."""
    count = len(pairs) * kinds
    if view.label is not None or not context.run.model.classes:
        return constant_class(context, view.label, count)
    weights = np.eye(context.run.model.classes, dtype=np.float32)[labels]

    def course(positions: np.ndarray) -> np.ndarray:
        return np.repeat([lerp(weights[a], weights[b], positions) for a, b in pairs], kinds, 0)

    return course


def lerp(a: np.ndarray, b: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Linear interpolation (1 - t) a + t b at positions t [T], [T, L]."""
    t = positions[:, None].astype(a.dtype)
    return (1 - t) * a + t * b


def slerp(a: np.ndarray, b: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Spherical interpolation from code a to code b [L] at positions t [T], [T, L].

    The direction turns evenly, (sin((1 - t) w) a / |a| + sin(t w) b / |b|) / sin w with w the angle
    between both, and the length changes linearly from |a| to |b|. Codes without an angle between
    them, or without a unique plane to turn in, are joined by a line.

    Spherical interpolation suits many dimensions under a normal prior: codes then lie on a shell of
    radius sqrt(L), and the middle of a line between two of them is at 0.7 of that radius, where
    there are few codes. Linear interpolation suits few dimensions, where codes fill the ball, and
    models in which the origin has no meaning, such as a plain autoencoder.

    References:
        Shoemake, "Animating Rotation with Quaternion Curves", 1985.

    >>> slerp(np.array([2.0, 0.0]), np.array([0.0, 2.0]), np.array([0.5])).round(3)
    array([[1.414, 1.414]])
    """
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    if min(length_a, length_b) == 0:
        return lerp(a, b, positions)
    first, second = a / length_a, b / length_b
    angle = np.arccos(np.clip(first @ second, -1, 1))
    if np.sin(angle) < MIN_SINE:
        return lerp(a, b, positions)
    t = positions[:, None]
    direction = (np.sin((1 - t) * angle) * first + np.sin(t * angle) * second) / np.sin(angle)
    return ((1 - t) * length_a + t * length_b) * direction
