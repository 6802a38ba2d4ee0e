"""Search ten class colors that differ for every reader, by simulated annealing.

    python tools/search_palette.py                  # prints vaekit.plots.CLASS_COLORS, in a minute
    python tools/search_palette.py --seed 1 --steps 10000

Any two colors should differ by 20 in CIE76 and by 12 in CIEDE2000, in normal vision and in
protanopia, deuteranopia and tritanopia. The search maximizes the smallest distance in units of
these aims. Every color has a contrast of 3 to white and to black.
"""

import argparse

import numpy as np
from color_vision import VISIONS, cie76, ciede2000, contrast, luminance, parse_hex, seen_lab
from numpy.typing import NDArray

COLORS = 10
CIE76_AIM = 20.0
CIEDE2000_AIM = 12.0
MIN_CONTRAST = 3.0
WHITE = np.ones(3)
BLACK = np.zeros(3)
NEUTRALS = seen_lab(parse_hex(["#767676", "#222222"]))
"""Grays of axes and text, which the first colors stand beside."""

CHAINS = 24
STEPS = 40_000
SHARPNESS = 18
"""Exponent of the soft minimum over all pairs."""
TEMPERATURES = (0.03, 3e-5)
STEP_SIZES = (0.25, 0.005)
JUMPS = 0.05
"""Probability of a new color instead of a step, at the beginning."""
SELF_DISTANCE = 9.0


class Chains:
    """Palettes that are improved side by side.

    Attributes:
        rng: The source of all chance.
        colors: sRGB in [0, 1], in steps of one byte, [chains, colors, 3].
        lab: The colors in CIELAB by vision, [chains, colors, visions, 3].
        distances: In units of the aims, [chains, colors, colors].
        energy: The soft minimum of the distances, [chains].
        best: The largest minimum of each chain so far, [chains].
        best_colors: The palettes that had it.
    """

    def __init__(self, chains: int, seed: int):
        self.rng = np.random.default_rng(seed)
        self.colors = self._random_colors(chains * COLORS).reshape(chains, COLORS, 3)
        self.lab = seen_lab(self.colors)
        self.distances = np.stack([self._row(i) for i in range(COLORS)], 1)
        self.energy = soft_minimum(self.distances)
        self.best = self.distances.min((1, 2))
        self.best_colors = self.colors.copy()

    def step(self, progress: float) -> None:
        """Change one color of each palette, and keep the change if it helps, or by chance."""
        chains = np.arange(len(self.colors))
        index = self.rng.integers(0, COLORS, len(chains))
        color = self._proposals(index, progress)
        lab = seen_lab(color)
        row = relative_distance(lab[:, None], self.lab)
        row[chains, index] = SELF_DISTANCE
        distances = self.distances.copy()
        distances[chains, index] = row
        distances[chains, :, index] = row
        energy = soft_minimum(distances)
        gain = (energy - self.energy) / between(TEMPERATURES, progress)
        is_kept = is_visible(color) & (self.rng.random(len(chains)) < np.exp(np.minimum(gain, 0)))

        self.colors[is_kept, index[is_kept]] = color[is_kept]
        self.lab[is_kept, index[is_kept]] = lab[is_kept]
        self.distances[is_kept] = distances[is_kept]
        self.energy[is_kept] = energy[is_kept]
        minimum = self.distances.min((1, 2))
        is_better = minimum > self.best
        self.best[is_better] = minimum[is_better]
        self.best_colors[is_better] = self.colors[is_better]

    def _row(self, index: int) -> NDArray:
        row = relative_distance(self.lab[:, index, None], self.lab)
        row[:, index] = SELF_DISTANCE
        return row

    def _proposals(self, index: NDArray, progress: float) -> NDArray:
        """A neighbor of one color of each palette, or a color from anywhere, [chains, 3]."""
        noise = self.rng.normal(0, between(STEP_SIZES, progress), (len(index), 3))
        near = to_bytes(self.colors[np.arange(len(index)), index] + noise)
        is_jump = self.rng.random(len(index)) < JUMPS * (1 - progress)
        return np.where(is_jump[:, None], self._random_colors(len(index)), near)

    def _random_colors(self, count: int) -> NDArray:
        """Visible colors [count, 3]; about one in three of all is visible."""
        colors = to_bytes(self.rng.random((12 * count + 100, 3)))
        return colors[is_visible(colors)][:count]


def relative_distance(lab: NDArray, other: NDArray) -> NDArray:
    """The smallest distance over all visions in units of the aims, of colors [..., visions, 3]."""
    by_formula = cie76(lab, other) / CIE76_AIM, ciede2000(lab, other) / CIEDE2000_AIM
    return np.minimum(*by_formula).min(-1)


def soft_minimum(distances: NDArray) -> NDArray:
    """A smooth minimum of the distances [chains, colors, colors], [chains]."""
    return (np.maximum(distances, 1e-3) ** -SHARPNESS).sum((1, 2)) ** (-1 / SHARPNESS)


def is_visible(rgb: NDArray) -> NDArray:
    """Whether colors [..., 3] have enough contrast on white and on black."""
    return np.minimum(contrast(rgb, WHITE), contrast(rgb, BLACK)) >= MIN_CONTRAST


def to_bytes(rgb: NDArray) -> NDArray:
    """The nearest colors of 24 bits."""
    return np.round(255 * np.clip(rgb, 0, 1)) / 255


def between(ends: tuple[float, float], progress: float) -> float:
    """A value that falls from the first end to the last by the same factor in each step."""
    first, last = ends
    return first * (last / first) ** progress


def sorted_colors(colors: NDArray) -> NDArray:
    """The colors, those that differ the most first, [colors, 3].

    The darker one of the pair with the largest distance comes first, then the other one, then
    always the color that is farthest from all before it and from gray.
    """
    lab = seen_lab(colors)
    distances = relative_distance(lab[:, None], lab)
    pair = np.unravel_index(distances.argmax(), distances.shape)
    order = sorted(map(int, pair), key=lambda i: luminance(colors[i]))
    distances = np.column_stack([distances, relative_distance(lab[:, None], NEUTRALS)])
    while len(order) < len(colors):
        nearest = distances[:, [*order, -2, -1]].min(1)
        nearest[order] = 0
        order.append(int(nearest.argmax()))
    return colors[order]


def print_palette(colors: NDArray) -> None:
    """Print the colors and the smallest distances and contrasts."""
    print(*("#{:02x}{:02x}{:02x}".format(*map(round, 255 * color)) for color in colors))
    first, second = np.triu_indices(len(colors), 1)
    lab = seen_lab(colors)
    by_cie76 = cie76(lab[first], lab[second]).min(0)
    by_ciede2000 = ciede2000(lab[first], lab[second]).min(0)
    for name, distance, perceived in zip(VISIONS, by_cie76, by_ciede2000, strict=True):
        print(f"{name:13} CIE76 {distance:6.2f}   CIEDE2000 {perceived:6.2f}")
    for name, background in {"white": WHITE, "black": BLACK}.items():
        print(f"contrast on {name}: {contrast(colors, background).min():.2f}")


def main() -> None:
    """Search and print the best palette."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the search")
    parser.add_argument("--steps", type=int, default=STEPS, help="changes per palette")
    options = parser.parse_args()
    chains = Chains(CHAINS, options.seed)
    for step in range(options.steps):
        chains.step(step / options.steps)
    print_palette(sorted_colors(chains.best_colors[chains.best.argmax()]))


if __name__ == "__main__":
    main()
