"""Points of rate and distortion."""

import numpy as np
import pytest

from vaekit.errors import DataError
from vaekit.plots import rate_distortion


def test_points_lie_where_they_should_with_their_names():
    axes = rate_distortion(["one", "two"], [3.0, 1.0], [10.0, 14.0], title="t").axes[0]
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[3, 10], [1, 14]])
    assert [text.get_text() for text in axes.texts][:2] == ["one", "two"]


def test_dashed_lines_join_equal_losses_within_the_picture():
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
    "given",
    [
        ([], [], []),
        (["a"], [1.0, 2.0], [1.0]),
        (["a"], [float("nan")], [1.0]),
        (["a"], [1.0], [float("inf")]),
    ],
)
def test_what_is_refused(given):
    with pytest.raises(DataError):
        rate_distortion(*given)
