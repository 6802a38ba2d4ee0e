"""Originals above what the model makes of them."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length, check_pixels
from vaekit.plots.class_labels import distinct_labels
from vaekit.plots.image_grid import (
    CAPTION,
    CHARACTER,
    LINE,
    MARGIN,
    assemble,
    caption,
    centres,
    gap_for,
    in_rows,
    pixel_size,
    stack,
)
from vaekit.plots.style import CLASS_COLOURS, INK, number, styled, wrap_title

MOST = 200
PER_BAND, LARGEST_TILE, LABEL = 10, 1.6, 0.72  # columns; inches


@styled
def reconstructions(
    originals: ArrayLike,
    decoded: ArrayLike,
    *,
    codes: ArrayLike | None = None,
    indices: Sequence[int] | None = None,
    labels: Sequence[object] | None = None,
    title: str = "",
) -> Figure:
    """Originals above their reconstructions, with index, class and code under each pair.

    Images are [N, C, H, W] floats in [0, 1]; vectors [N, D] are drawn as lines, one over the other. `codes` [N, L] are
    written out up to four dimensions, and as their norm beyond. At most 200 pairs; they break into bands of up to ten.

    >>> figure = reconstructions(np.zeros((2, 1, 8, 8)), np.ones((2, 1, 8, 8)), indices=[7, 9], codes=[[1], [-1]])
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['7\\n1.00', '9\\n−1.00']
    """
    shapes = "[N, C, H, W]", "[N, D]"
    originals, decoded = (
        check_finite(originals, "originals", *shapes),
        check_finite(decoded, "decoded", *shapes),
    )
    if originals.shape != decoded.shape:
        given = f"originals has shape {list(originals.shape)}, decoded {list(decoded.shape)}"
        raise DataError(f"{given}; allowed: the same for both")
    if len(originals) > MOST:
        raise DataError(
            f"{len(originals)} originals do not fit one picture; allowed: up to {MOST}, so choose fewer"
        )
    facts = _facts(len(originals), codes, indices, labels)
    if originals.ndim == 2:
        return _lines(originals, decoded, facts, title)
    pairs = np.stack(
        [
            check_pixels(originals, "originals", shapes[0]),
            check_pixels(decoded, "decoded", shapes[0]),
        ],
        axis=1,
    )
    return _bands(pairs, facts, title)


def _facts(count: int, codes, indices, labels) -> dict[str, list[str]]:
    """What is written under each pair, by name of the line."""
    facts = {}
    if indices is not None:
        facts["index"] = [str(index) for index in check_length(indices, "indices", count)]
    if labels is not None:
        texts = distinct_labels(
            [str(label) for label in check_length(labels, "labels", count)],
            lambda text: caption(text, LABEL),
        )
        lines = max(text.count("\n") for text in texts)
        facts["class" + "\n" * lines] = [text + "\n" * (lines - text.count("\n")) for text in texts]
    if codes is not None:
        codes = check_finite(codes, "codes", "[N, L]")
        check_length(codes, "codes", count)
        columns = {f"z{i + 1}": column for i, column in enumerate(codes.T)}
        columns = columns if len(columns) <= 4 else {"‖z‖": np.linalg.norm(codes, axis=1)}
        facts |= {
            name: [number(float(value)) for value in column] for name, column in columns.items()
        }
    return facts


def _bands(pairs: NDArray, facts: dict[str, list[str]], title: str) -> Figure:
    gap = gap_for(pairs)
    texts = ["\n".join(lines) for lines in zip(*facts.values(), strict=True)]
    columns = _columns(
        pairs, gap, max((len(line) for text in texts for line in text.split("\n")), default=0)
    )
    strips = [
        assemble(
            np.stack([in_rows(pairs[start : start + columns, i], columns)[0] for i in (0, 1)]), gap
        )
        for start in range(0, len(pairs), columns)
    ]
    lines = texts[0].count("\n") + 1 if texts else 0
    pixel = _pixel(pairs, gap, columns)
    figure, axes = stack(strips, pixel, title, left=0.86, below=MARGIN + 0.1 + lines * LINE)
    for band, strip in enumerate(axes):
        here = texts[band * columns : (band + 1) * columns]
        strip.set_xticks(
            centres(columns, pairs.shape[-1], gap)[: len(here)], here, fontsize=CAPTION
        )
        strip.set_yticks(
            centres(2, pairs.shape[-2], gap), ["original", "decoded"], fontsize=CAPTION
        )
        corner = {
            "xy": (0, 0),
            "xycoords": "axes fraction",
            "xytext": (-3.5, -3.5),
            "textcoords": "offset points",
        }
        strip.annotate("\n".join(facts), **corner, ha="right", va="top", fontsize=CAPTION)
    return figure


def _pixel(pairs: NDArray, gap: int, columns: int) -> float:
    height, width = pairs.shape[-2:]
    return pixel_size(columns * (width + gap) - gap, 2 * height + gap, LARGEST_TILE * columns)


def _columns(pairs: NDArray, gap: int, characters: int) -> int:
    """Pairs a band: ten, or as many as leave room for the longest caption, shared evenly among the bands."""
    needed = (characters + 0.5) * CHARACTER
    tile = pairs.shape[-1] + gap
    fitting = (
        k for k in range(min(PER_BAND, len(pairs)), 1, -1) if tile * _pixel(pairs, gap, k) >= needed
    )
    bands = -(-len(pairs) // next(fitting, 1))
    return -(-len(pairs) // bands)


def _lines(originals: NDArray, decoded: NDArray, facts: dict[str, list[str]], title: str) -> Figure:
    columns = min(3, len(originals))
    rows = -(-len(originals) // columns)
    size = (max(3.6, 2.2 * columns), 1.6 * rows + 1.1)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    for index, (x, y) in enumerate(zip(originals, decoded, strict=True)):
        axes[index].plot(x, color=INK, linewidth=1.2, label="original")
        axes[index].plot(y, color=CLASS_COLOURS[1], linewidth=1.6, linestyle="--", label="decoded")
        axes[index].set_title(_heading(facts, index), fontsize=CAPTION)
        axes[index].tick_params(labelbottom=index + columns >= len(originals))
        axes[index].set_xlabel("column" if index + columns >= len(originals) else "")
    for spare in axes[len(originals) :]:
        spare.set_axis_off()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    if title:
        figure.suptitle(wrap_title(title, size[0]))
    return figure


def _heading(facts: dict[str, list[str]], index: int) -> str:
    parts = [
        " ".join([name, *texts[index].split()]).replace("\n", "") for name, texts in facts.items()
    ]
    return textwrap.fill(", ".join(part.replace(" ", " ") for part in parts), 24)
