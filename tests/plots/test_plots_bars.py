"""Bars are sorted by height, named if they are few, and highlighted in another color."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import CLASS_COLORS, Highlight, Level, bars

AXIS_LABELS = ("dimension", "nats")


def test_heights_names_and_colors_are_sorted_by_height():
    figure = bars(
        [1.0, 3.0, 2.0],
        ["z1", "z2", "z3"],
        axis_labels=AXIS_LABELS,
        highlight=Highlight([True, True, False], "active", "idle"),
        title="activity",
    )
    (axes,) = figure.axes
    assert [patch.get_height() for patch in axes.patches] == [3.0, 2.0, 1.0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["z2", "z3", "z1"]
    first, second, third = (to_hex(patch.get_facecolor()).upper() for patch in axes.patches)
    assert first == third == CLASS_COLORS[0] != second
    assert (axes.get_xlabel(), axes.get_ylabel(), figure.get_suptitle()) == (
        *AXIS_LABELS,
        "activity",
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["active", "idle"]


def test_many_are_drawn_as_outlines_that_hold_every_value():
    values = np.random.default_rng(0).uniform(size=500)
    mask = values > 0.5
    (axes,) = bars(
        values,
        range(500),
        axis_labels=AXIS_LABELS,
        highlight=Highlight(mask, "a", "b"),
        level=Level(0.25, "even"),
    ).axes
    drawn = [patch.get_data().values for patch in axes.patches]
    ordered = np.sort(values)[::-1]
    np.testing.assert_array_equal(sum(drawn), ordered)
    assert np.array_equal(drawn[0] > 0, ordered > 0.5)
    assert axes.lines[0].get_ydata()[0] == 0.25 and axes.get_xlabel() == "dimension, by rank"


@pytest.mark.parametrize(
    ("values", "names", "highlight", "parameter"),
    [
        ([1.0], ["a", "b"], None, "names"),
        ([1.0, np.nan], "ab", None, "values"),
        ([1.0, 2.0], "ab", Highlight([True], "", ""), "highlight"),
    ],
)
def test_invalid_arguments(values, names, highlight, parameter):
    with raises(DataError, parameter):
        bars(values, names, axis_labels=AXIS_LABELS, highlight=highlight)


def test_traces_look_like_traces():
    labels = ("dimension", "nats")
    low, high = (
        bars(values, "ab", axis_labels=labels, min_height=0.1).axes[0].get_ylim()[1]
        for values in ([1e-12, 0.0], [5.0, 1.0])
    )
    assert low == 0.1 and high > 5
