"""Labels that overlap neither one another nor points: the first free place of many."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

RINGS = 24
DIRECTIONS = np.deg2rad([35, -35, 145, -145, 0, 180, 90, -90, 60, -60, 120, -120, 15, -15])
"""Directions from a point to its label, the most readable first."""
GAP = 5.0
"""Pixels between a point and its label, and between labels."""
LEADER_RINGS = 2
"""Labels further away than this many rings get a line to their point."""

Box = tuple[NDArray, NDArray]
"""Lower left and upper right of a rectangle in pixels, [2] each."""


class Canvas:
    """The rectangle of some axes in pixels, and the boxes that are taken.

    Args:
        figure: A figure whose layout is complete but for the labels.
        axes: Its axes.
    """

    def __init__(self, figure: Figure, axes: Axes):
        self.axes = axes
        self.renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw_without_rendering()
        extent = axes.get_window_extent(self.renderer)
        self.bounds = np.array([extent.x0, extent.y0]), np.array([extent.x1, extent.y1])
        self.taken: list[Box] = []

    def pixels(self, points: NDArray) -> NDArray:
        """Points in units of the data [N, 2] in pixels."""
        return self.axes.transData.transform(points)

    def size(self, text: Text) -> NDArray:
        """Width and height of a text in pixels."""
        extent = text.get_window_extent(self.renderer)
        return np.array([extent.width, extent.height])

    def take(self, center: NDArray, size: NDArray) -> None:
        """Keep a rectangle free of labels."""
        self.taken.append((center - size / 2, center + size / 2))

    def place(self, text: Text, centers: Iterable[NDArray]) -> int | None:
        """Move a text to the first center where its box is free and inside of the axes.

        Returns:
            The number of the center; None if no place is free, and the text stays.
        """
        size = self.size(text)
        for number, center in enumerate(centers):
            box = center - size / 2, center + size / 2
            if self._is_inside(box) and not any(overlap(box, other) for other in self.taken):
                x, y = self.axes.transData.inverted().transform(center)
                text.set_position((x, y))
                self.taken.append(box)
                return number
        return None

    def _is_inside(self, box: Box) -> bool:
        return bool((box[0] >= self.bounds[0]).all() and (box[1] <= self.bounds[1]).all())


def overlap(box: Box, other: Box) -> bool:
    """Whether two rectangles have less than the gap between them."""
    return bool((np.minimum(box[1], other[1]) - np.maximum(box[0], other[0]) > -GAP / 2).all())


def around(point: NDArray, size: NDArray) -> Iterator[NDArray]:
    """Centers of a label of some size around a point, the nearest first."""
    for ring in range(RINGS):
        distance = GAP + 0.6 * size[1] * ring
        for angle in DIRECTIONS:
            direction = np.array([np.cos(angle), np.sin(angle)])
            reach = (size / 2 + GAP) * np.sign(np.round(direction, 6))
            yield point + reach + distance * direction


def label_points(canvas: Canvas, points: NDArray, texts: Sequence[Text], radius: float) -> None:
    """Move each text next to its point; texts without a free place become invisible.

    Args:
        canvas: The canvas.
        points: [N, 2] in units of the data.
        texts: The texts of the points, on the axes.
        radius: Pixels of a point.
    """
    centers = canvas.pixels(points)
    for center in centers:
        canvas.take(center, np.full(2, 2 * radius))
    for point, center, text in zip(points, centers, texts, strict=True):
        number = canvas.place(text, around(center, canvas.size(text)))
        text.set_visible(number is not None)
        if number is not None and number >= LEADER_RINGS * len(DIRECTIONS):
            ends = np.stack([point, text.get_position()])
            canvas.axes.plot(*ends.T, color=text.get_color(), linewidth=0.6, alpha=0.5, zorder=2)
