"""Names of classes: a legend, and labels on a scatter plot that do not overlap."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import takewhile

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from vaekit.plots.style import class_style

MAX_LEGEND_CLASSES = 30
MAX_NAME_CHARACTERS = 18
LEGEND_CHARACTERS = 50
"""Characters of one line of the legend."""

MAX_LABEL_SHIFT = 2.0
"""Largest distance of a label from the median of its class, in sizes of the label."""
SHORT_NAME_CHARACTERS = 3
SHORT_NAME_SIZE = 13
LONG_NAME_SIZE = 10.5
INNER_QUANTILES = (0.05, 0.95)
MAX_HIDDEN_AREA = 0.6
"""Largest area of all labels, relative to the rectangle that most points lie in."""
SPREAD_ITERATIONS = 200
SPREAD_STEP = 0.26


def class_names(indices: Sequence[int], classes: Sequence[str]) -> dict[int, str]:
    """The names of classes by index, or the index of a class without a name; long ones are cut."""
    names = [str(classes[index]) if index < len(classes) else str(index) for index in indices]
    return dict(zip(indices, distinct_labels(names, _cut_end), strict=True))


def _cut_end(name: str) -> str:
    if len(name) <= MAX_NAME_CHARACTERS:
        return name
    return name[: MAX_NAME_CHARACTERS - 1] + "…"


def distinct_labels(names: Sequence[str], cut: Callable[[str], str]) -> list[str]:
    """Names shortened by `cut`; names that would look alike first lose what they have in common.

    >>> distinct_labels(["number 1 of 3", "number 2 of 3", "none"], lambda name: name[:6])
    ['…1', '…2', 'none']
    """
    short = {name: cut(name) for name in names}
    uses = Counter(short.values())
    alike = [name for name, label in short.items() if uses[label] > 1]
    if alike:
        short |= zip(alike, map(cut, _differences(alike)), strict=True)
    return [short[name] for name in names]


def _differences(names: list[str]) -> list[str]:
    """Names without their common beginning and their common last words."""
    common = _common_beginning(names)
    start = _full_words(common) or common
    rest = [name[len(start) :] for name in names]
    end = _full_words(_common_beginning([text[::-1] for text in rest]))
    middles = [text[: len(text) - len(end)] for text in rest]
    if start:  # one ellipsis only, since there is little room
        return [f"…{text}" for text in middles]
    return [f"{text}…" for text in middles] if end else middles


def _common_beginning(texts: list[str]) -> str:
    pairs = zip(min(texts), max(texts), strict=False)  # in order, these two differ the earliest
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _full_words(text: str) -> str:
    """A beginning without the word that it ends in."""
    return re.sub(r"[^\W_]+$", "", text)


def write_class_names(
    axes: Axes,
    points: NDArray,
    labels: NDArray,
    groups: dict[int, str],
    low: NDArray,
    high: NDArray,
    scale: float = 1.0,
) -> None:
    """Write the name of each class at the median of its points.

    Args:
        axes: Axes of `scale` times the usual width.
        points: [N, 2].
        labels: [N].
        groups: Names of classes by label. More than 30, names that others push far away from
            their median, and names that would hide most points, are not written.
        low: Lower left of the axes [2].
        high: Upper right of the axes [2].
        scale: Width of the axes relative to a plot of its own.
    """
    if len(groups) > MAX_LEGEND_CLASSES:
        return
    medians = np.array([np.median(points[labels == index], axis=0) for index in groups])
    is_short = max(map(len, groups.values())) <= SHORT_NAME_CHARACTERS
    size = SHORT_NAME_SIZE if is_short else LONG_NAME_SIZE
    ratio = (high[1] - low[1]) / (high[0] - low[0])
    boxes = np.array([(0.0021 * len(name) + 0.001, 0.0036 / ratio) for name in groups.values()])
    boxes = size / scale * boxes
    inner = np.quantile(points, INNER_QUANTILES, axis=0)
    if boxes.prod(1).sum() > MAX_HIDDEN_AREA * ((inner[1] - inner[0]) / (high - low)).prod():
        return
    centers = np.clip((medians - low) / (high - low), 0, 1)
    positions = spread_boxes(centers, boxes)

    look = {"ha": "center", "va": "center", "weight": "bold", "clip_on": True}
    halo = [withStroke(linewidth=3.5, foreground="white")]
    is_near = np.all(np.abs(positions - centers) <= MAX_LABEL_SHIFT * boxes, axis=1).tolist()
    for name, position, near in zip(groups.values(), positions, is_near, strict=True):
        if near:
            x, y = low + position * (high - low)
            axes.text(x, y, name, fontsize=size, path_effects=halo, **look)


def spread_boxes(positions: NDArray, sizes: NDArray) -> NDArray:
    """Move boxes in the unit square until none overlap.

    Args:
        positions: Their centers [N, 2].
        sizes: Their widths and heights [N, 2].

    Returns:
        The new centers [N, 2].
    """
    positions = np.clip(positions, sizes / 2, 1 - sizes / 2)
    for _ in range(SPREAD_ITERATIONS):
        distance = positions[:, None] - positions[None]
        overlap = (sizes[:, None] + sizes[None]) / 2 - np.abs(distance)
        overlapping = np.triu((overlap > 1e-9).all(axis=2), 1)
        if not overlapping.any():
            break
        for i, j in np.argwhere(overlapping):
            axis = overlap[i, j].argmin()
            direction = 1 if distance[i, j, axis] >= 0 else -1
            shift = SPREAD_STEP * overlap[i, j, axis] * direction
            positions[i, axis] += shift
            positions[j, axis] -= shift
        positions = np.clip(positions, sizes / 2, 1 - sizes / 2)
    return positions


def more_classes(count: int) -> str:
    """The note about classes that are not shown."""
    return "and 1 more class" if count == 1 else f"and {count} more classes"


def legend_columns(groups: dict[int, str]) -> int:
    """Columns of the legend: as many as fit, evenly filled."""
    count = min(len(groups), MAX_LEGEND_CLASSES)
    longest = max(map(len, groups.values()))
    fitting = max(1, int(LEGEND_CHARACTERS / (longest + 3.5)))
    rows = -(-count // fitting)
    return -(-count // rows)


def class_legend(figure: Figure, groups: dict[int, str]) -> None:
    """Add a legend with the color, the marker and the name of each class."""
    listed = list(groups.items())[:MAX_LEGEND_CLASSES]
    handles = []
    for index, _ in listed:
        color, marker = class_style(index)
        handles.append(Line2D([], [], linestyle="", color=color, marker=marker, markersize=7))
    omitted = len(groups) - len(listed)
    legend = figure.legend(
        handles,
        [" "] * len(listed),
        loc="outside lower center",
        ncols=legend_columns(groups),
        handletextpad=0.1,
        columnspacing=0.7,
        title=more_classes(omitted) if omitted else None,
    )
    # Set afterwards: a label that begins with "_" would be left out.
    for text, (_, name) in zip(legend.get_texts(), listed, strict=True):
        text.set_text(name)
