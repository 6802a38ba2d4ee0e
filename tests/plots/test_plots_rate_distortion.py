"""Models are points of rate and distortion, over lines of equal loss."""

import numpy as np
import pytest

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import rate_distortion


def test_models_are_named_points():
    axes = rate_distortion(["one", "two"], [3.0, 1.0], [10.0, 14.0], title="t").axes[0]
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[3, 10], [1, 14]])
    assert [text.get_text() for text in axes.texts][:2] == ["one", "two"]


def test_dashed_lines_have_equal_losses_within_the_limits():
    axes = rate_distortion(["a", "b", "c"], [3.0, 1.0, 2.0], [10.0, 14.0, 12.0]).axes[0]
    sums = sorted(
        {
            round(float(np.sum(line.get_xydata()[0])), 6)
            for line in axes.lines
            if line.get_linestyle() == "--"
        }
    )
    assert sums == [13.0, 14.0, 15.0]
    assert axes.get_xlim()[0] < 1 and axes.get_xlim()[1] > 3 and axes.get_ylim()[1] < 20


@pytest.mark.parametrize(
    ("rate", "distortion"),
    [
        ([9.1, 6.3, 4.0, 2.2], [142.0, 143.9, 150.0, 158.0]),
        ([6.30, 6.31, 6.30, 6.31], [143.9, 143.9, 143.91, 143.91]),
        ([2.0, 2.0, 2.0, 2.0], [5.0, 5.0, 5.0, 5.0]),
        (np.linspace(20, 20.2, 12), np.linspace(80, 80.3, 12)),
        (np.r_[np.linspace(2, 2.1, 6), np.linspace(20, 20.1, 6)], np.r_[[110.0] * 6, [80.0] * 6]),
    ],
)
def test_labels_cover_neither_one_another_nor_a_model_and_stay_inside(rate, distortion):
    names = [f"objective.beta={index}, run {index}" for index in range(len(rate))]
    figure = rate_distortion(names, rate, distortion, title="Rate and distortion")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    texts = [text for text in axes.texts if text.get_visible()]
    assert {text.get_text() for text in texts} >= set(names)
    boxes = [text.get_window_extent() for text in texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    for point in axes.transData.transform(np.stack([rate, distortion], 1)):
        assert not any(box.contains(*point) for box in boxes)
    frame = axes.get_window_extent().expanded(1.001, 1.001)
    assert all(frame.contains(*corner) for box in boxes for corner in box.corners())


def test_labels_are_placed_the_same_way_every_time():
    first, again = (
        [
            text.get_position()
            for text in rate_distortion("abcd", [2.0] * 4, [5.0] * 4).axes[0].texts
        ]
        for _ in range(2)
    )
    assert first == again


@pytest.mark.parametrize(
    ("names", "rate", "distortion", "parameter"),
    [
        ([], [], [], "names"),
        (["a"], [1.0, 2.0], [1.0], "rate"),
        (["a"], [1.0], [1.0, 2.0], "distortion"),
        (["a"], [float("nan")], [1.0], "rate"),
        (["a"], [1.0], [float("inf")], "distortion"),
    ],
)
def test_invalid_arguments(names, rate, distortion, parameter):
    with raises(DataError, parameter):
        rate_distortion(names, rate, distortion)
