"""Telling classes apart: a legend, and names that neither cover each other nor are cut alike."""

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

NAMED = 30  # classes that a legend holds
FAR = 2.0  # sizes of a name from its class's median, where it would tell of the wrong place


def class_names(indices: Sequence[int], classes: Sequence[str]) -> dict[int, str]:
    """The names of these classes by index, or the index where there is none; long ones are cut."""
    names = [str(classes[index]) if index < len(classes) else str(index) for index in indices]
    return dict(
        zip(
            indices,
            distinct_labels(names, lambda name: name if len(name) <= 18 else name[:17] + "…"),
            strict=True,
        )
    )


def distinct_labels(names: Sequence[str], cut: Callable[[str], str]) -> list[str]:
    """Names as `cut` shortens them; of those that would then look alike, what they have in common goes first.

    >>> distinct(["number 1 of 3", "number 2 of 3", "none"], lambda name: name[:6])
    ['…1', '…2', 'none']
    """
    short = {name: cut(name) for name in names}
    uses = Counter(short.values())
    alike = [name for name, shown in short.items() if uses[shown] > 1]
    if alike:
        short |= zip(alike, map(cut, _differences(alike)), strict=True)
    return [short[name] for name in names]


def _differences(names: list[str]) -> list[str]:
    """What tells names apart: without their common beginning, of whole words where there are any, and common last words."""
    common = _common(names)
    start = _words(common) or common
    rest = [name[len(start) :] for name in names]
    end = _words(_common([text[::-1] for text in rest]))
    shown = [text[: len(text) - len(end)] for text in rest]
    return [
        "…" * bool(start) + text + "…" * bool(end and not start) for text in shown
    ]  # one mark: there is little room


def _common(texts: list[str]) -> str:
    """What all texts begin with."""
    pairs = zip(min(texts), max(texts), strict=False)  # in order, these two differ the earliest
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _words(text: str) -> str:
    """A beginning without the part of a word that it stops in."""
    return re.sub(r"[^\W_]+$", "", text)


def write_names(
    axes: Axes,
    mu: NDArray,
    labels: NDArray,
    groups: dict[int, str],
    low: NDArray,
    high: NDArray,
    scale: float = 1.0,
) -> None:
    """Each class's name at its median, on axes of the usual width times `scale`; none where others push it far from there."""
    if len(groups) > NAMED:
        return
    medians = np.array([np.median(mu[labels == index], axis=0) for index in groups])
    size = 13 if max(map(len, groups.values())) <= 3 else 10.5
    ratio = (high[1] - low[1]) / (high[0] - low[0])
    boxes = (
        size
        / scale
        * np.array([(0.0021 * len(name) + 0.001, 0.0036 / ratio) for name in groups.values()])
    )
    centres = np.clip((medians - low) / (high - low), 0, 1)
    halo = [withStroke(linewidth=3.5, foreground="white")]
    for centre, place, box, name in zip(
        centres, spread(centres, boxes), boxes, groups.values(), strict=True
    ):
        if (np.abs(place - centre) > FAR * box).any():
            continue
        x, y = low + place * (high - low)
        axes.text(
            x,
            y,
            name,
            ha="center",
            va="center",
            weight="bold",
            fontsize=size,
            path_effects=halo,
            clip_on=True,
        )


def spread(places: NDArray, sizes: NDArray) -> NDArray:
    """Move boxes of `sizes` [N, 2] at `places` [N, 2] in the unit square apart until none covers another."""
    places = np.clip(places, sizes / 2, 1 - sizes / 2)
    for _ in range(200):
        away = places[:, None] - places[None]
        overlap = (sizes[:, None] + sizes[None]) / 2 - np.abs(away)
        touching = np.triu((overlap > 1e-9).all(axis=2), 1)
        if not touching.any():
            break
        for i, j in np.argwhere(touching):
            axis = overlap[i, j].argmin()
            shift = 0.26 * overlap[i, j, axis] * (1 if away[i, j, axis] >= 0 else -1)
            places[i, axis] += shift
            places[j, axis] -= shift
        places = np.clip(places, sizes / 2, 1 - sizes / 2)
    return places


def and_more(count: int) -> str:
    """That so many classes are not shown."""
    return f"and {count} more class{'es' if count > 1 else ''}"


def legend_columns(groups: dict[int, str]) -> int:
    """Columns of the legend: as many as fit, evenly filled."""
    shown = min(len(groups), NAMED)
    longest = max(map(len, groups.values()))
    rows = -(-shown // max(1, int(50 / (longest + 3.5))))
    return -(-shown // rows)


def class_legend(figure: Figure, groups: dict[int, str]) -> None:
    shown = list(groups.items())[:NAMED]
    marks = [class_style(index) for index, _ in shown]
    handles = [
        Line2D([], [], linestyle="", color=colour, marker=marker, markersize=7)
        for colour, marker in marks
    ]
    more = len(groups) - len(shown)
    legend = figure.legend(
        handles,
        [" "] * len(shown),
        loc="outside lower center",
        ncols=legend_columns(groups),
        handletextpad=0.1,
        columnspacing=0.7,
        title=and_more(more) if more else None,
    )
    for text, (_, name) in zip(legend.get_texts(), shown, strict=True):
        text.set_text(name)  # set afterwards, since a label that begins with "_" would be left out
