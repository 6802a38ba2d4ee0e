"""Walks show every image where it belongs, beside its label and between its ends."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from vaekit.errors import DataError
from vaekit.plots import image_paths, save

RNG = np.random.default_rng(6)


def strip(axes, channels):
    picture = np.asarray(axes.images[0].get_array())
    return picture.reshape(*picture.shape[:2], channels)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_walk_is_a_row_from_left_to_right(channels):
    images = RNG.random((3, 4, channels, 6, 9))
    figure = image_paths(images, ["z3\n1 nat", "z1", "z2"], title="walks")
    assert [axes.get_yticklabels()[0].get_text() for axes in figure.axes] == [
        "z3\n1 nat",
        "z1",
        "z2",
    ]
    assert figure.get_suptitle() == "walks"
    for axes, walk in zip(figure.axes, images, strict=True):
        for step, image in enumerate(walk):
            assert np.array_equal(
                strip(axes, channels)[:, 10 * step : 10 * step + 9], image.transpose(1, 2, 0)
            )
    tops = [axes.get_position().y1 for axes in figure.axes]
    assert tops == sorted(tops, reverse=True)


def test_ends_stand_apart_around_the_walks_of_their_pair():
    images, ends = RNG.random((4, 3, 1, 8, 8)), RNG.random((2, 2, 1, 8, 8))
    figure = image_paths(images, list("abcd"), ends=ends)
    for index, axes in enumerate(figure.axes):
        picture = strip(axes, 1)[..., 0]
        first, last = ends[index // 2]
        assert np.array_equal(picture[:, :8], first[0]) and np.array_equal(picture[:, -8:], last[0])
        assert np.array_equal(picture[:, 12:20], images[index, 0, 0])
        assert (picture[:, 8:12] == 1).all()
    y = [axes.get_position().y1 for axes in figure.axes]
    assert y[0] - y[1] < y[1] - y[2]


@pytest.mark.parametrize(
    "shape", [(16, 11, 1, 4, 40), (16, 11, 3, 64, 64), (1, 11, 1, 8, 8), (16, 11, 1, 90, 8)]
)
def test_labels_never_overlap_and_nothing_leaves_the_page(shape, tmp_path):
    figure = image_paths(
        np.zeros(shape), ["z12 12.34 nats\n−12.34 to 12.34"] * shape[0], title="a title"
    )
    save(figure, tmp_path / "a.png")
    FigureCanvasAgg(figure).draw()
    boxes = [axes.get_yticklabels()[0].get_window_extent() for axes in figure.axes]
    assert all(above.y0 >= below.y1 - 1 for above, below in itertools.pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
    assert max(figure.get_size_inches()) < 13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": np.zeros((2, 3, 4, 4))}, r"allowed: \[W, T, C, H, W\]"),
        ({"labels": ["a"]}, "labels has 1 entries; allowed: 2"),
        ({"ends": np.zeros((1, 2, 1, 5, 5))}, "two images of the same shape"),
        ({"ends": np.zeros((3, 2, 1, 4, 4))}, "for every so many walks"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(DataError, match=message) as caught:
        image_paths(**{"images": np.zeros((2, 3, 1, 4, 4)), "labels": ["a", "b"]} | arguments)
    assert "\n" not in str(caught.value)
