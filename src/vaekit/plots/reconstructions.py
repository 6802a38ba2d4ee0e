"""Examples over their reconstructions."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError
from vaekit.plots.array_checks import check_finite, check_length, check_pixels
from vaekit.plots.class_labels import distinct_labels
from vaekit.plots.image_grid import (
    CAPTION_SIZE,
    CHARACTER_WIDTH,
    LINE_HEIGHT,
    MARGIN,
    arrange,
    assemble,
    centers,
    gap_width,
    pixel_size,
    stack_strips,
    wrap_caption,
)
from vaekit.plots.style import CLASS_COLORS, INK, add_title, format_number, styled

MAX_PAIRS = 200
MAX_WRITTEN_DIMENSIONS = 4
MAX_BAND_PAIRS = 10
MAX_TILE = 1.6
"""Inches of the largest image."""
LABEL_WIDTH = 0.72
LEFT = 0.86
"""Inches for the names of the lines."""
MAX_LINE_PLOT_COLUMNS = 3
HEADING_CHARACTERS = 24
SHAPES = ("[N, C, H, W]", "[N, D]")

Captions = dict[str, list[str]]
"""The lines under each pair, by name of the line."""


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
    """Draw examples over their reconstructions, with index, class and latent code below.

    Args:
        originals: Images, floats in [0, 1] of shape [N, C, H, W], or vectors [N, D], which are
            drawn as lines; at most 200.
        decoded: Their reconstructions, of the same shape.
        codes: Latent codes [N, L]; of more than four dimensions the norm is written.
        indices: The index of each example.
        labels: The class of each example.
        title: The title.

    Returns:
        The figure: one axes per band of up to ten images, or one per vector.

    Raises:
        DataError: Arrays whose shapes or values do not fit, or more than 200 examples.

    >>> images = np.zeros((2, 1, 8, 8))
    >>> figure = reconstructions(images, images, indices=[7, 9], codes=[[1], [-1]])
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['7\\n1.00', '9\\n−1.00']
    """
    originals = check_finite(originals, "originals", *SHAPES)
    decoded = check_finite(decoded, "decoded", *SHAPES)
    if originals.shape != decoded.shape:
        raise DataError.for_value(
            "decoded",
            list(decoded.shape),
            f"{list(originals.shape)} as originals",
            problem="decoded has the wrong shape",
        )
    if len(originals) > MAX_PAIRS:
        raise DataError.for_value(
            "originals",
            len(originals),
            f"at most {MAX_PAIRS}",
            problem="originals has too many examples",
            fix="Choose fewer",
        )
    captions = _captions(len(originals), codes, indices, labels)
    if originals.ndim == 2:
        return _draw_vectors(originals, decoded, captions, title)
    images = [
        check_pixels(originals, "originals", SHAPES[0]),
        check_pixels(decoded, "decoded", SHAPES[0]),
    ]
    return _draw_images(np.stack(images, axis=1), captions, title)


def _captions(
    count: int,
    codes: ArrayLike | None,
    indices: Sequence[int] | None,
    labels: Sequence[object] | None,
) -> Captions:
    captions: Captions = {}
    if indices is not None:
        captions["index"] = [str(index) for index in check_length(indices, "indices", count)]
    if labels is not None:
        captions |= _class_captions([str(label) for label in check_length(labels, "labels", count)])
    if codes is not None:
        captions |= _code_captions(check_finite(codes, "codes", "[N, L]"), count)
    return captions


def _class_captions(names: list[str]) -> Captions:
    """Names of classes, wrapped and filled up to the same number of lines."""
    texts = distinct_labels(names, lambda name: wrap_caption(name, LABEL_WIDTH))
    breaks = max(text.count("\n") for text in texts)
    padded = [text + "\n" * (breaks - text.count("\n")) for text in texts]
    return {"class" + "\n" * breaks: padded}


def _code_captions(codes: NDArray, count: int) -> Captions:
    check_length(codes, "codes", count)
    columns = {f"z{i + 1}": column for i, column in enumerate(codes.T)}
    if len(columns) > MAX_WRITTEN_DIMENSIONS:
        columns = {"‖z‖": np.linalg.norm(codes, axis=1)}
    return {
        name: [format_number(float(value)) for value in column] for name, column in columns.items()
    }


def _draw_images(pairs: NDArray, captions: Captions, title: str) -> Figure:
    """Pairs [N, 2, C, H, W] in bands."""
    gap = gap_width(pairs)
    texts = ["\n".join(lines) for lines in zip(*captions.values(), strict=True)]
    characters = max((len(line) for text in texts for line in text.split("\n")), default=0)
    columns = _band_columns(pairs, gap, characters)
    strips = [
        _band(pairs[start : start + columns], columns, gap)
        for start in range(0, len(pairs), columns)
    ]
    lines = texts[0].count("\n") + 1 if texts else 0
    below = MARGIN + 0.1 + lines * LINE_HEIGHT
    pixel = _band_pixel(pairs, gap, columns)
    figure, axes = stack_strips(strips, pixel, title, left=LEFT, below=below)
    height, width = pairs.shape[-2:]
    for band, strip_axes in enumerate(axes):
        band_texts = texts[band * columns : (band + 1) * columns]
        ticks = centers(columns, width, gap)[: len(band_texts)]
        strip_axes.set_xticks(ticks, band_texts, fontsize=CAPTION_SIZE)
        sides = centers(2, height, gap)
        strip_axes.set_yticks(sides, ["original", "decoded"], fontsize=CAPTION_SIZE)
        _name_lines(strip_axes, list(captions))
    return figure


def _band(pairs: NDArray, columns: int, gap: int) -> NDArray:
    """One band: originals over reconstructions, filled up with white."""
    originals, decoded = (arrange(pairs[:, side], columns)[0] for side in (0, 1))
    return assemble(np.stack([originals, decoded]), gap)


def _name_lines(axes: Axes, names: list[str]) -> None:
    corner = {"xy": (0, 0), "xycoords": "axes fraction", "textcoords": "offset points"}
    look = {"ha": "right", "va": "top", "fontsize": CAPTION_SIZE}
    axes.annotate("\n".join(names), xytext=(-3.5, -3.5), **corner, **look)


def _band_pixel(pairs: NDArray, gap: int, columns: int) -> float:
    height, width = pairs.shape[-2:]
    return pixel_size(columns * (width + gap) - gap, 2 * height + gap, MAX_TILE * columns)


def _band_columns(pairs: NDArray, gap: int, characters: int) -> int:
    """Pairs per band: at most ten that leave room for the captions, the same in every band."""
    needed = (characters + 0.5) * CHARACTER_WIDTH
    tile = pairs.shape[-1] + gap
    fitting = (
        columns
        for columns in range(min(MAX_BAND_PAIRS, len(pairs)), 1, -1)
        if tile * _band_pixel(pairs, gap, columns) >= needed
    )
    bands = -(-len(pairs) // next(fitting, 1))
    return -(-len(pairs) // bands)


def _draw_vectors(originals: NDArray, decoded: NDArray, captions: Captions, title: str) -> Figure:
    """Pairs of vectors [N, D] as lines."""
    columns = min(MAX_LINE_PLOT_COLUMNS, len(originals))
    rows = -(-len(originals) // columns)
    size = (max(3.6, 2.2 * columns), 1.6 * rows + 1.1)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    for index, (x, y) in enumerate(zip(originals, decoded, strict=True)):
        axes = panels[index]
        axes.plot(x, color=INK, linewidth=1.2, label="original")
        axes.plot(y, color=CLASS_COLORS[1], linewidth=1.6, linestyle="--", label="decoded")
        axes.set_title(_heading(captions, index), fontsize=CAPTION_SIZE)
        is_lowest = index + columns >= len(originals)
        axes.tick_params(labelbottom=is_lowest)
        axes.set_xlabel("column" if is_lowest else "")
    for empty in panels[len(originals) :]:
        empty.set_axis_off()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    add_title(figure, title)
    return figure


def _heading(captions: Captions, index: int) -> str:
    """All captions of one pair, broken only between them."""
    parts = [" ".join([name.strip(), *texts[index].split()]) for name, texts in captions.items()]
    unbreakable = [part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts]
    return textwrap.fill(", ".join(unbreakable), HEADING_CHARACTERS)
