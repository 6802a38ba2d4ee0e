"""A sheet shows images in reading order, with their captions."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import save, sheet

RNG = np.random.default_rng(3)


def shown(figure: Figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[0].get_array())


def test_images_are_in_reading_order_on_white():
    images = RNG.random((5, 3, 6, 6))
    pixels = shown(sheet(images, columns=3, title="samples"))
    assert pixels.shape == (13, 20, 3)
    for index, image in enumerate(images):
        top, left = 7 * (index // 3), 7 * (index % 3)
        assert np.array_equal(pixels[top : top + 6, left : left + 6], image.transpose(1, 2, 0))
    assert (pixels[7:, 14:] == 1).all() and (pixels[6] == 1).all()


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (9, 3), (10, 4), (64, 8)])
def test_sheet_is_near_square(count, columns):
    assert shown(sheet(np.zeros((count, 1, 6, 6)))).shape[1] == columns * 7 - 1


def test_more_columns_than_images():
    assert shown(sheet(np.zeros((2, 1, 6, 6)), columns=10)).shape == (6, 13)


def test_captions_are_below_their_images(tmp_path):
    figure = sheet(
        RNG.random((5, 1, 28, 28)),
        columns=3,
        captions=["one", "two", 3, "", "a very long caption to break"],
    )
    texts = [[label.get_text() for label in axes.get_xticklabels()] for axes in figure.axes]
    assert texts[0] == ["one", "two", "3"] and texts[1][0] == ""
    assert texts[1][1].startswith("a very") and texts[1][1].count("\n") <= 1
    assert list(figure.axes[0].get_xticks()) == [13.5, 42.5, 71.5]
    save(figure, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("images", "options", "parameter"),
    [
        (np.zeros((2, 1, 4, 4), np.uint8), {}, "images"),
        (np.full((2, 1, 4, 4), np.nan), {}, "images"),
        (np.zeros((0, 1, 4, 4)), {}, "images"),
        (np.zeros((2, 1, 4, 4)), {"columns": 0}, "columns"),
        (np.zeros((2, 1, 4, 4)), {"captions": ["a"]}, "captions"),
        (np.zeros((2, 1, 4, 4)), {"captions": 7}, "captions"),
    ],
)
def test_invalid_arguments(images, options, parameter):
    with raises(DataError, parameter):
        sheet(images, **options)
