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
    ],
)
def test_labels_do_not_overlap(rate, distortion):
    figure = rate_distortion([f"beta={value}" for value in "1234"], rate, distortion)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert not any(a.overlaps(b) for a, b in pairs)


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
