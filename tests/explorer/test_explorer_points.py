"""The points of the map as pixels: each has the color of its class at the position of its code."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.path import Path
from PIL import Image, ImageColor

from conftest import small_images
from vaekit.explorer import render_page
from vaekit.plots import CLASS_COLORS, class_shapes
from vaekit.workflows.explorer_content import build_content, embed_originals

pytestmark = pytest.mark.browser

DIAMETER = 9  # pixels of a point if there are few, before the map is zoomed
OPACITY = 0.9
CODES = np.array(
    [
        *((-2.0, 1.4, 0.3), (-1.1, -0.9, 2.0), (0.2, 0.7, -1.2), (0.9, -1.6, 0.8)),
        *((1.6, 0.2, -2.2), (2.9, 1.1, 1.1), (-0.6, 0.1, -0.7), (2.1, -0.7, -0.1)),
    ],
    np.float32,
)
"""Eight codes without symmetry: exchanged examples or axes, or a mirrored map, would be visible."""
LABELS = np.array([2, 0, 1, 1, 0, 2, 0, 1], np.uint16)
CENTER = np.array([0.4, -0.3, 0.2], np.float32)
COMPONENTS = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0].astype(np.float32)
"""Principal components [3, 3], one per row, that differ from the latent dimensions."""

SET_OPACITY = """opacity => {
    for (const id of ['overlay', 'message']) document.getElementById(id).style.opacity = opacity;
}"""
READ_SWATCHES = """Array.from(document.querySelectorAll('#legend .swatch path')).map(
    path => getComputedStyle(path).fill)"""
READ_BACKGROUND = "getComputedStyle(document.getElementById('stage')).backgroundColor"


@pytest.fixture(scope="module")
def content(page_of):
    """The explorer's content of a small run."""
    run, _ = page_of(latent_dim=3)
    return build_content(run, data=small_images())


@pytest.fixture
def page_with(content, tmp_path) -> Callable[..., str]:
    """Write a page with some codes and labels; its address."""

    def write(codes: np.ndarray, labels: np.ndarray, classes: int = 3) -> str:
        count = len(codes)
        latent = replace(content.facts.latent, order=[0, 1, 2], explained_variance=[0.5, 0.3, 0.2])
        names = [f"class {i}" for i in range(classes)]
        arrays = {
            **content.arrays,
            "codes": codes,
            "labels": labels,
            "terms": np.ones((count, 2), np.float32),
            "center": CENTER,
            "components": COMPONENTS,
        }
        facts = replace(content.facts, examples=count, classes=names, latent=latent)
        changed = replace(content, facts=facts, arrays=arrays)
        html = render_page(embed_originals(changed))
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        return (tmp_path / "page.html").as_uri()

    return write


class Points:
    """The points on the map of an open page: their pixels, and the positions of codes.

    Attributes:
        page: The page.
        scale: Pixels per unit.
        origin: The pixel of (0, 0).
    """

    def __init__(
        self, page, directions: np.ndarray | None = None, center: np.ndarray | None = None
    ):
        self.page = page
        self.directions = np.eye(3)[:2] if directions is None else directions
        self.center = np.zeros(3) if center is None else center
        self.scale, self.origin = self._measure()

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """The coordinates of codes [N, L] along both axes of the map, [N, 2]."""
        return (z - self.center) @ self.directions.T

    def positions(self, z: np.ndarray) -> np.ndarray:
        """The pixels of codes on the map, [N, 2]."""
        return self.origin + np.array([1, -1]) * self.scale * self.coordinates(z)

    def _measure(self) -> tuple[float, np.ndarray]:
        """Scale and origin of the map, from the codes that it decodes at two pixels."""
        box = self.page.box()
        fractions = np.array([(0.31, 0.42), (0.74, 0.69)])
        decoded = []
        for fraction in fractions:
            self.page.hover(*fraction)
            decoded.append(self.coordinates(self.page.decoded()[0][None])[0])
        first, second = fractions * np.array([box["width"], box["height"]])
        scales = (second - first) / (decoded[1] - decoded[0]) * (1, -1)  # pixels count downward
        assert scales[0] == pytest.approx(scales[1], rel=1e-3) and scales[0] > 0
        scale = float(scales.mean())
        return scale, first - np.array([1, -1]) * scale * decoded[0]

    def pixels(self) -> np.ndarray:
        """The pixels of the map without its overlay, [H, W, 3]."""
        self.page.page.evaluate(SET_OPACITY, 0)
        screenshot = self.page.page.screenshot(clip=self.page.box())
        self.page.page.evaluate(SET_OPACITY, 1)
        with Image.open(io.BytesIO(screenshot)) as image:
            return np.asarray(image.convert("RGB")).astype(float)


def background_color(page) -> np.ndarray:
    color = page.page.evaluate(READ_BACKGROUND)
    return np.array([int(part) for part in color[4:-1].split(",")], float)


def class_color(label: int) -> np.ndarray:
    """The color of a class, on both themes."""
    return np.array(ImageColor.getrgb(CLASS_COLORS[label % len(CLASS_COLORS)]), float)


def point_colors(labels: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The colors of points on a background, [N, 3]."""
    colors = np.array([class_color(label) for label in labels])
    return OPACITY * colors + (1 - OPACITY) * background


def check_points(
    points: Points,
    codes: np.ndarray,
    colors: np.ndarray,
    background: np.ndarray,
    *,
    diameter: float = DIAMETER,
    ratio: float = 1,
) -> None:
    """Each code has a point of its color at its position, and the rest of the map is empty."""
    pixels = points.pixels()
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width] + 0.5
    margin = 10 * ratio  # the corners of the map are round
    is_empty = (x > margin) & (x < width - margin) & (y > margin) & (y < height - margin)
    checked = 0
    for (point_x, point_y), color in zip(ratio * points.positions(codes), colors, strict=True):
        distance = np.hypot(x - point_x, y - point_y)
        is_empty &= distance > ratio * (diameter / 2**0.5 + 1.5)  # corners of squares
        if not (0 < point_x < width and 0 < point_y < height):
            continue
        checked += 1
        inner = np.median(pixels[distance < ratio], axis=0)  # most are off the smooth edge
        assert np.abs(inner - color).max() <= 3, (point_x, point_y)
    assert checked >= 3
    assert np.abs(pixels[is_empty] - background).max() <= 1


# --- Positions and colors -------------------------------------------------------------------------


@pytest.mark.parametrize(("ratio", "scheme"), [(1, "light"), (2, "dark")])
def test_a_point_has_the_color_of_its_class_at_the_position_of_its_code(
    explorer, page_with, scheme: str, ratio: int
):
    page = explorer(page_with(CODES, LABELS), color_scheme=scheme, device_scale_factor=ratio)
    background = background_color(page)
    colors = point_colors(LABELS, background)
    check_points(Points(page), CODES, colors, background, ratio=ratio)
    assert page.errors == []


@pytest.mark.parametrize(("x_axis", "y_axis"), [(2, 0), (1, 2)])
def test_points_follow_the_selected_latent_dimensions(
    explorer, page_with, x_axis: int, y_axis: int
):
    page = explorer(page_with(CODES, LABELS))
    page.choose("#x-axis", value=str(x_axis))
    page.choose("#y-axis", value=str(y_axis))
    background = background_color(page)
    points = Points(page, np.eye(3)[[x_axis, y_axis]])
    check_points(points, CODES, point_colors(LABELS, background), background)


@pytest.mark.nightly
def test_points_follow_the_selected_principal_components(explorer, page_with):
    page = explorer(page_with(CODES, LABELS))
    page.choose("#x-axis", value="5")
    page.choose("#y-axis", value="4")
    background = background_color(page)
    points = Points(page, COMPONENTS[[2, 1]], CENTER)
    check_points(points, CODES, point_colors(LABELS, background), background)


@pytest.mark.nightly
def test_points_move_with_the_map(explorer, page_with):
    page = explorer(page_with(CODES, LABELS))
    background = background_color(page)
    colors = point_colors(LABELS, background)
    before = Points(page)
    page.drag((0.4, 0.5), (0.55, 0.38))
    panned = Points(page)
    assert panned.scale == pytest.approx(before.scale, rel=1e-3)
    assert panned.origin[0] > before.origin[0] + 50
    assert panned.origin[1] < before.origin[1] - 30
    check_points(panned, CODES, colors, background)
    page.page.mouse.move(*page.pixel(0.45, 0.4))
    page.page.mouse.wheel(0, -300)
    zoomed = Points(page)
    assert zoomed.scale == pytest.approx(before.scale * np.exp(0.45), rel=1e-3)
    check_points(zoomed, CODES, colors, background, diameter=16)
    page.click("#fit")
    check_points(Points(page), CODES, colors, background)


@pytest.mark.nightly
def test_points_follow_the_size_of_the_window_and_the_theme(explorer, page_with):
    page = explorer(page_with(CODES, LABELS), color_scheme="light")
    page.page.set_viewport_size({"width": 900, "height": 700})
    page.click("#theme")
    page.click("#fit")
    background = background_color(page)
    assert background.max() < 64
    colors = point_colors(LABELS, background)
    check_points(Points(page), CODES, colors, background)


# --- Classes and selections -----------------------------------------------------------------------


def test_points_of_hidden_classes_are_not_drawn(explorer, page_with):
    page = explorer(page_with(CODES, LABELS))
    background = background_color(page)
    points = Points(page)
    for label in (0, 1):  # the first click shows class 0 alone, the second adds class 1
        page.locate("#legend button", has_text=f"class {label}").click()
        is_visible = label >= LABELS
        colors = point_colors(LABELS[is_visible], background)
        check_points(points, CODES[is_visible], colors, background)


def test_points_outside_a_selection_are_dimmed(explorer, page_with):
    page = explorer(page_with(CODES, LABELS))
    background = background_color(page)
    points = Points(page)
    page.choose_tool("box")
    page.drag((0.5, 0.01), (0.99, 0.99))
    page.wait_until_enabled("selection-clear")
    is_selected = points.positions(CODES)[:, 0] > 0.5 * page.box()["width"]
    count = is_selected.sum()
    assert 2 < count < len(CODES) - 2
    assert page.text("#selection-facts").startswith(f"{count} of {len(CODES)} examples")
    selected_colors = point_colors(LABELS, background)
    pure = np.array([class_color(label) for label in LABELS])
    dimmed_opacity = 0.35 * OPACITY
    dimmed = dimmed_opacity * (0.25 * pure + 0.75 * 127.5) + (1 - dimmed_opacity) * background
    colors = np.where(is_selected[:, None], selected_colors, dimmed)
    check_points(points, CODES, colors, background)


def test_the_legend_has_the_colors_of_the_points(explorer, page_with):
    page = explorer(page_with(CODES, LABELS), color_scheme="dark")
    fills = page.page.evaluate(READ_SWATCHES)
    colors = [[int(part) for part in fill[4:-1].split(",")] for fill in fills]
    expected = [class_color(label) for label in range(3)]
    assert np.allclose(colors, expected, atol=0.51)


def test_the_pointer_on_a_point_shows_its_example(explorer, page_with):
    page = explorer(page_with(CODES, LABELS))
    points = Points(page)
    box = page.box()
    for index, (x, y) in enumerate(points.positions(CODES)):
        page.act(lambda x=x, y=y: page.page.mouse.move(box["x"] + x, box["y"] + y))
        words = page.text("#example-facts").split(" · ")
        assert words[:2] == [f"Example {index}", f"class class {LABELS[index]}"]


@pytest.mark.nightly
def test_hundreds_of_classes_have_the_colors_of_the_palette_in_turn(explorer, page_with):
    labels = np.array([0, 10, 20, 30, 255, 256, 261, 299], np.uint16)
    page = explorer(page_with(CODES, labels, classes=300))
    background = background_color(page)
    check_points(Points(page), CODES, point_colors(labels, background), background)


def test_every_class_has_the_shape_of_its_marker_in_plots(explorer, page_with):
    """The pixels of a point overlap with the polygon of its class more than with any other."""
    labels = np.arange(8, dtype=np.uint16)
    page = explorer(page_with(CODES, labels, classes=8), device_scale_factor=2)
    points = Points(page)
    background = background_color(page)
    is_covered = np.abs(points.pixels() - background).max(-1) > 100
    shapes = [Path(shape) for shape in class_shapes()]
    y, x = np.mgrid[: is_covered.shape[0], : is_covered.shape[1]] + 0.5
    for label, position in zip(labels, 2 * points.positions(CODES), strict=True):
        offset = np.stack([x - position[0], position[1] - y], -1) / DIAMETER
        near = np.abs(offset).max(-1) < 1.2
        covered = is_covered[near]
        inside = np.stack([shape.contains_points(offset[near]) for shape in shapes])
        overlap = (inside & covered).sum(1) / (inside | covered).sum(1)
        assert overlap.argmax() == label
        assert overlap[label] > 0.7


READ_OUTLINES = """Array.from(document.querySelectorAll('#legend .swatch path')).map(
    path => path.getAttribute('d'))"""


def test_the_legend_has_the_shapes_of_the_points(explorer, page_with):
    page = explorer(page_with(CODES, LABELS))
    outlines = page.page.evaluate(READ_OUTLINES)
    assert len(outlines) == 3
    for outline, shape in zip(outlines, class_shapes(), strict=False):
        corners = [tuple(map(float, corner.split())) for corner in outline[1:-1].split("L")]
        assert np.allclose(np.array(corners) * [1, -1], shape)
