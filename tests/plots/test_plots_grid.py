"""A grid shows each decoded image at its coordinates, pixel by pixel."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import decoded_grid, save

RNG = np.random.default_rng(3)


def shown(figure: Figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def ticks(figure: Figure) -> tuple[dict[float, float], dict[float, float]]:
    """Coordinate by position, for both axes."""
    axes = figure.axes[0]
    return tuple(
        {
            at: float(label.get_text().replace("−", "-"))
            for at, label in zip(axis.get_ticklocs(), labels, strict=True)
        }
        for axis, labels in (
            (axes.xaxis, axes.get_xticklabels()),
            (axes.yaxis, axes.get_yticklabels()),
        )
    )  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("rows", "columns", "height", "width"), [(2, 3, 4, 5), (1, 1, 8, 8), (15, 15, 28, 28)]
)
def test_the_largest_of_down_is_at_the_top(channels, rows, columns, height, width):
    images = RNG.random((rows, columns, channels, height, width))
    pixels = shown(decoded_grid(images, np.arange(columns), np.arange(rows)))
    assert pixels.shape[:2] == (rows * height, columns * width)
    for i in range(rows):
        for j in range(columns):
            top = (rows - 1 - i) * height
            tile = pixels[top : top + height, j * width : (j + 1) * width].reshape(
                height, width, channels
            )
            assert np.array_equal(tile, images[i, j].transpose(1, 2, 0))


def test_ticks_are_the_coordinates_at_the_middle_of_their_tiles():
    across, down = np.linspace(-2, 2, 15), np.linspace(-1, 3, 15)
    xs, ys = ticks(decoded_grid(np.zeros((15, 15, 1, 28, 28)), across, down))
    for at, value in xs.items():
        assert value == pytest.approx(across[round((at - 13.5) / 28)], abs=0.005)
    for at, value in ys.items():
        assert value == pytest.approx(down[14 - round((at - 13.5) / 28)], abs=0.005)
    assert (min(xs.values()), max(xs.values())) == (-2, 2)
    assert (min(ys.values()), max(ys.values())) == (-1, 3)
    assert 4 <= len(xs) < 15


def test_few_tiles_have_all_ticks_with_few_decimals():
    axes = decoded_grid(
        np.zeros((3, 2, 3, 32, 32)), [-0.5, 0.5], [-2, 0, 2], axis_names=("z3", "z11"), title="map"
    ).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["−0.5", "0.5"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["−2", "0", "2"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("z3", "z11")
    assert axes.figure.get_suptitle() == "map"


def test_an_axis_without_a_name_has_no_coordinates():
    axes = decoded_grid(np.zeros((1, 3, 1, 28, 28)), [-1, 0, 1], [0], axis_names=("z1", "")).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["−1", "0", "1"]
    assert list(axes.get_yticks()) == []


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1.0, 1e9])
@pytest.mark.parametrize("count", [1, 2, 20, 60])
def test_any_scale_of_coordinates_has_correct_labels(scale, count):
    values = scale * np.linspace(-4, 4, count)
    xs, _ = ticks(decoded_grid(np.zeros((count, count, 1, 4, 4)), values, values))
    for at, value in xs.items():
        assert value == pytest.approx(values[round((at - 1.5) / 4)], rel=0.01, abs=0.05 * scale)


def test_pixels_are_clipped_and_not_rescaled():
    images = np.full((2, 2, 1, 4, 4), 0.25)
    images[0, 0], images[1, 1] = -3.0, 7.0
    figure = decoded_grid(images, [0, 1], [0, 1])
    assert len(figure.axes) == 1 and len(figure.axes[0].images) == 1
    assert set(np.unique(shown(figure))) == {0.0, 0.25, 1.0}
    assert figure.axes[0].images[0].get_clim() == (0, 1)


def test_a_saved_pixel_is_a_whole_number_of_pixels(tmp_path):
    images = (RNG.random((3, 3, 1, 8, 8)) > 0.5).astype(np.float32)
    with Image.open(save(decoded_grid(images, [0, 1, 2], [0, 1, 2]), tmp_path / "a.png")) as file:
        pixels = np.asarray(file.convert("L"))
    scale = 35  # 24 pixels of the sheet over 5.6 inches at 150 dpi
    inside = pixels[18 + scale // 2 :: scale, 126 + scale // 2 :: scale][
        :24, :24
    ]  # beyond the margins
    expected = 255 * np.concatenate(np.concatenate(images[::-1, :, 0], axis=1), axis=1)
    assert np.array_equal(inside, expected)


def test_a_large_grid_is_shrunk_smoothly(tmp_path):
    figure = decoded_grid(np.zeros((20, 20, 3, 64, 64), np.float32), np.arange(20), np.arange(20))
    assert figure.axes[0].images[0].get_interpolation() in ("antialiased", "auto")
    assert max(figure.get_size_inches()) < 8
    save(figure, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("shape", "across", "down", "parameter"),
    [
        ((2, 3, 1, 4, 4), [0, 1], [0, 1, 2], "images"),
        ((2, 1, 4, 4), [0], [0, 1], "images"),
        ((1, 1, 2, 4, 4), [0], [0], "images"),
        ((1, 1, 1, 4, 4), [np.inf], [0], "across"),
        ((1, 1, 1, 4, 4), [0], [[0]], "down"),
    ],
)
def test_invalid_arguments(shape, across, down, parameter):
    with raises(DataError, parameter):
        decoded_grid(np.zeros(shape), across, down)
