"""Paths between two positions, and grids of decoded images."""

import json

import numpy as np
import pytest
from PIL import Image

from browser_fixtures import decoded_image, max_difference
from vaekit.run_plots.interpolations import slerp

pytestmark = pytest.mark.browser


def frames_of(file) -> np.ndarray:
    """The frames of an animation, [N, H, W, 3]."""
    frames = []
    with Image.open(file) as animation:
        assert animation.info["loop"] == 0
        for index in range(animation.n_frames):
            animation.seek(index)
            frames.append(np.asarray(animation.convert("RGB")))
    return np.array(frames)


def linear_middle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a + b) / 2


def spherical_middle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return slerp(a, b, np.array([0.5]))[0]


@pytest.mark.parametrize(
    ("name", "middle"), [("linear", linear_middle), ("spherical", spherical_middle)]
)
def test_a_path_interpolates_between_its_endpoints(explorer, address, small_run, name: str, middle):
    page = explorer(address)
    codes = page.set_endpoints((0.3, 0.3), (0.7, 0.6))
    page.choose("#interpolation", label=name)
    page.act(lambda: page.locate("#path-position").fill("0.2"))
    page.act(lambda: page.locate("#path-position").fill("0.5"))
    z, image = page.decoded()
    assert np.allclose(z, middle(*codes), atol=1e-4)
    assert max_difference(image, decoded_image(small_run, z)) <= 1


def test_a_saved_path_is_slow_at_its_ends_and_returns_in_reverse(explorer, address, small_run):
    page = explorer(address)
    first, last = page.set_endpoints((0.2, 0.3), (0.8, 0.7))
    frames = frames_of(page.download("#save-path"))
    assert len(frames) == 46
    factor = frames.shape[1] // 8
    small = frames[:, ::factor, ::factor]
    fractions = (1 - np.cos(np.pi * np.arange(24) / 23)) / 2
    codes = np.array([(1 - t) * first + t * last for t in fractions], np.float32)
    expected = [decoded_image(small_run, z) for z in codes]
    for index, image in enumerate(expected):
        assert max_difference(small[index], image) <= 1
        assert max_difference(small[-index % 46], image) <= 1
    assert max_difference(expected[0], expected[12]) > 4
    assert max_difference(expected[12], expected[23]) > 4


def test_a_path_plays_until_it_is_stopped_or_left(explorer, address):
    page = explorer(address)
    page.set_endpoints((0.3, 0.3), (0.7, 0.6))
    page.click("#play")
    page.wait_until("Number(document.getElementById('path-position').value) > 0.1")
    page.click("#play")
    position = page.locate("#path-position").input_value()
    page.page.wait_for_timeout(200)
    assert page.locate("#path-position").input_value() == position
    page.click("#play")
    page.wait_until("document.getElementById('play').textContent === 'Stop'")
    page.page.mouse.click(*page.pixel(0.5, 0.5))
    page.wait_until("document.getElementById('play').textContent === 'Play'")
    page.click("#clear-path")
    page.wait_until_disabled("play")
    assert page.locate("#path-position").is_disabled()


def test_a_grid_has_labeled_axes_and_decodes_the_center_of_each_cell(explorer, address, small_run):
    page = explorer(address)
    page.decode_grid()
    with Image.open(page.download("#grid-save")) as image:
        note = json.loads(image.text["vaekit"])
        pixels = np.asarray(image)
    assert note["side"] == 5
    factor = -(-600 // 40)
    x_dimension, y_dimension = (int(note[name][1:]) - 1 for name in ("x_axis", "y_axis"))
    for row, column in ((0, 0), (2, 4), (4, 1)):
        z = np.array(note["z"], np.float32)
        z[x_dimension] = note["left"] + (column + 0.5) / 5 * (note["right"] - note["left"])
        z[y_dimension] = note["top"] - (row + 0.5) / 5 * (note["top"] - note["bottom"])
        top = 6 + 8 * factor * row
        left = 44 + 8 * factor * column
        cell = pixels[top : top + 8 * factor : factor, left : left + 8 * factor : factor]
        assert max_difference(cell, decoded_image(small_run, z)) <= 1


def test_a_path_names_the_classes_of_its_endpoints(explorer, address, small_run, bars):
    x, classes = bars
    page = explorer(address)
    page.act(lambda: page.click("#go-to-example"))
    page.click("#set-a")
    page.act(lambda: page.click("#sample"))
    page.click("#set-b")
    z, _ = page.decoded()
    nearest = np.linalg.norm(small_run.encode(x).mean - z, axis=1).argmin()
    start = f"From A, class {classes[0]} (example 0), to B, nearest example: class "
    assert page.text("#path-facts").startswith(start + f"{classes[nearest]};")
