"""Rows of images have their labels on the left, and may be between two images."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import image_rows, save

RNG = np.random.default_rng(6)


def strip(axes, channels):
    pixels = np.asarray(axes.images[0].get_array())
    return pixels.reshape(*pixels.shape[:2], channels)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_row_is_drawn_from_left_to_right(channels):
    images = RNG.random((3, 4, channels, 6, 9))
    figure = image_rows(images, ["z3\n1 nat", "z1", "z2"], title="rows")
    assert [axes.get_yticklabels()[0].get_text() for axes in figure.axes] == [
        "z3\n1 nat",
        "z1",
        "z2",
    ]
    assert figure.get_suptitle() == "rows"
    for axes, row in zip(figure.axes, images, strict=True):
        for step, image in enumerate(row):
            assert np.array_equal(
                strip(axes, channels)[:, 10 * step : 10 * step + 9], image.transpose(1, 2, 0)
            )
    tops = [axes.get_position().y1 for axes in figure.axes]
    assert tops == sorted(tops, reverse=True)


def test_ends_surround_the_rows_of_their_group():
    images, ends = RNG.random((4, 3, 1, 8, 8)), RNG.random((2, 2, 1, 8, 8))
    figure = image_rows(images, list("abcd"), ends=ends)
    for index, axes in enumerate(figure.axes):
        pixels = strip(axes, 1)[..., 0]
        first, last = ends[index // 2]
        assert np.array_equal(pixels[:, :8], first[0]) and np.array_equal(pixels[:, -8:], last[0])
        assert np.array_equal(pixels[:, 12:20], images[index, 0, 0])
        assert (pixels[:, 8:12] == 1).all()
    y = [axes.get_position().y1 for axes in figure.axes]
    assert y[0] - y[1] < y[1] - y[2]


@pytest.mark.parametrize(
    "shape", [(16, 11, 1, 4, 40), (16, 11, 3, 64, 64), (1, 11, 1, 8, 8), (16, 11, 1, 90, 8)]
)
def test_labels_never_overlap_and_nothing_leaves_the_page(shape, tmp_path):
    figure = image_rows(
        np.zeros(shape), ["z12 12.34 nats\n−12.34 to 12.34"] * shape[0], title="a title"
    )
    save(figure, tmp_path / "a.png")
    FigureCanvasAgg(figure).draw()
    boxes = [axes.get_yticklabels()[0].get_window_extent() for axes in figure.axes]
    assert all(above.y0 >= below.y1 - 1 for above, below in itertools.pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
    assert max(figure.get_size_inches()) < 13


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [
        ({"images": np.zeros((2, 3, 4, 4))}, "images"),
        ({"labels": ["a"]}, "labels"),
        ({"ends": np.zeros((1, 2, 1, 5, 5))}, "ends"),
        ({"ends": np.zeros((3, 2, 1, 4, 4))}, "ends"),
    ],
)
def test_invalid_arguments(arguments, parameter):
    with raises(DataError, parameter):
        image_rows(**{"images": np.zeros((2, 3, 1, 4, 4)), "labels": ["a", "b"]} | arguments)
