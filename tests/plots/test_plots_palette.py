"""The colors of classes are distinct to color-blind readers and visible on white and on black."""

import numpy as np
import pytest

from tool_loading import load_tool
from vaekit import html
from vaekit.plots import CLASS_COLORS
from vaekit.plots.curves import SERIES
from vaekit.plots.style import INK, MUTED, class_shapes, class_style

vision = load_tool("color_vision")
VISIONS = list(vision.VISIONS)


def closest(colors, seen_by: str, distance=vision.cie76) -> float:
    """The smallest distance between any two of the colors."""
    lab = vision.seen_lab(vision.parse_hex(list(colors)))[:, VISIONS.index(seen_by)]
    first, second = np.triu_indices(len(lab), 1)
    return distance(lab[first], lab[second]).min()


# --- The formulas ---------------------------------------------------------------------------------

# Sharma, Wu and Dalal (2005), table 1: blues, grays, opposite hues, large distances, dark colors.
PUBLISHED = [
    ((50.0000, 2.6772, -79.7751), (50.0000, 0.0000, -82.7485), 2.0425),
    ((50.0000, -1.3802, -84.2814), (50.0000, 0.0000, -82.7485), 1.0000),
    ((50.0000, 0.0000, 0.0000), (50.0000, -1.0000, 2.0000), 2.3669),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0010), 7.1792),
    ((50.0000, 2.4900, -0.0010), (50.0000, -2.4900, 0.0011), 7.2195),
    ((50.0000, 2.5000, 0.0000), (50.0000, 0.0000, -2.5000), 4.3065),
    ((50.0000, 2.5000, 0.0000), (73.0000, 25.0000, -18.0000), 27.1492),
    ((50.0000, 2.5000, 0.0000), (58.0000, 24.0000, 15.0000), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("lab", "other", "distance"), PUBLISHED)
def test_ciede2000_has_the_published_values(lab, other, distance):
    lab, other = np.array(lab), np.array(other)
    assert vision.ciede2000(lab, other) == pytest.approx(distance, abs=5e-5)
    assert vision.ciede2000(other, lab) == pytest.approx(distance, abs=5e-5)


def test_colors_have_the_published_lab_values():
    seen = vision.seen_lab(vision.parse_hex(["#ffffff", "#000000", "#ff0000"]))[:, 0]
    assert np.allclose(seen, [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]], atol=0.02)


def test_contrasts_are_those_of_wcag():
    black, white, gray = vision.parse_hex(["#000000", "#ffffff", "#767676"])
    assert vision.contrast(black, white) == pytest.approx(21, rel=1e-6)
    assert vision.contrast(gray, white) == pytest.approx(4.54, abs=5e-3)


@pytest.mark.parametrize("name", VISIONS)
def test_grays_look_gray_to_everyone(name):
    lab = vision.seen_lab(np.linspace(0, 1, 9)[:, None].repeat(3, 1))[:, VISIONS.index(name)]
    assert np.abs(lab[:, 1:]).max() < 0.1


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("protanopia", ["#ff0000", "#5e4f00"]),
        ("deuteranopia", ["#ff0000", "#a38f00"]),
        ("tritanopia", ["#00ffff", "#82ffff"]),
    ],
)
def test_colors_that_differ_in_the_missing_cone_alone_look_alike(name, alike):
    assert closest(alike, name) < 0.3 * closest(alike, "normal")


# --- The colors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VISIONS)
def test_any_two_of_ten_classes_are_distinct(name):
    assert closest(CLASS_COLORS, name) >= 20
    assert closest(CLASS_COLORS, name, vision.ciede2000) >= 12


def test_every_class_has_contrast_on_white_and_on_black():
    rgb = vision.parse_hex(CLASS_COLORS)
    for background in (np.ones(3), np.zeros(3)):
        assert vision.contrast(rgb, background).min() >= 3


def test_any_two_of_ten_classes_have_another_color_and_another_shape():
    colors, markers = zip(*map(class_style, range(10)), strict=True)
    assert len(set(colors)) == len(set(markers)) == 10


def test_a_hundred_classes_differ_by_color_or_shape():
    assert len({class_style(index) for index in range(100)}) == 100


def test_shapes_are_closed_polygons_in_the_unit_square():
    shapes = [np.array(shape) for shape in class_shapes()]
    for shape in shapes:
        assert np.array_equal(shape[0], shape[-1])
        assert np.abs(shape).max() == 1
    disk, triangle = shapes[:2]
    assert np.allclose(np.hypot(*disk.T), 1, atol=2e-3)
    assert triangle[triangle[:, 1].argmax(), 0] == 0  # the tip is up


@pytest.mark.parametrize("name", VISIONS)
@pytest.mark.parametrize(
    "colors",
    [
        [color for _, color, *_ in SERIES.values()],
        [CLASS_COLORS[0], MUTED],
        [INK, CLASS_COLORS[1]],
        [color for color, _ in html.SERIES.values()] + ["#ffffff", "#000000"],
    ],
)
def test_colors_of_lines_and_bars_are_far_apart(name, colors):
    assert closest(colors, name) > 25
