"""The search of class colors improves palettes, and its order is that of the colors in use."""

import numpy as np

from tool_loading import load_tool
from vaekit.plots import CLASS_COLORS

vision = load_tool("color_vision")
tool = load_tool("search_palette")


def test_a_short_search_improves_every_palette_and_keeps_the_contrast():
    chains = tool.Chains(4, seed=1)
    before = chains.best.copy()
    for step in range(150):
        chains.step(step / 150)
    assert (chains.best > before).all()
    assert tool.is_visible(chains.best_colors).all()
    lab = vision.seen_lab(chains.best_colors)
    distances = tool.relative_distance(lab[:, :, None], lab[:, None])
    distances[:, range(10), range(10)] = np.inf
    assert np.allclose(distances.min((1, 2)), chains.best)


def test_the_colors_in_use_are_in_the_order_of_the_search():
    colors = vision.parse_hex(CLASS_COLORS)
    shuffled = np.random.default_rng(0).permutation(colors)
    assert np.array_equal(tool.sorted_colors(shuffled), colors)
