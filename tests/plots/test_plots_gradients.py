"""Every loss and every variance is drawn, in one color per gradient estimator."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import CLASS_COLORS, gradient_estimators, save

LOSSES = {
    "pathwise": [180.0, 165.0, 160.0],
    "score-function": [200.0, 190.0, 186.0],
    "none": [205.0, 204.0, 204.0],
}
VARIANCES = {"pathwise": [30.0, 4.0], "score-function": [9000.0, 12000.0], "none": [0.02, 0.5]}


def test_a_curve_and_a_bar_per_moment_for_each_estimator(tmp_path):
    figure = gradient_estimators(LOSSES, VARIANCES, title="three")
    left, right = figure.axes
    assert [line.get_label() for line in left.lines] == list(LOSSES)
    for i, (line, bars) in enumerate(zip(left.lines, right.containers, strict=True)):
        name = line.get_label()
        assert line.get_xdata().tolist() == [1, 2, 3] and line.get_ydata().tolist() == LOSSES[name]
        assert [bar.get_height() for bar in bars] == VARIANCES[name]
        assert (
            {to_hex(bar.get_facecolor()).upper() for bar in bars}
            == {line.get_color()}
            == {CLASS_COLORS[i]}
        )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(LOSSES)
    assert figure.get_suptitle() == "three"
    save(figure, tmp_path / "a.png")


def test_variances_are_on_a_log_scale_that_shows_all():
    _, right = gradient_estimators(LOSSES, VARIANCES).axes
    low, high = right.get_ylim()
    assert right.get_yscale() == "log" and 0 < low < 0.02 and high > 12_000
    assert [label.get_text() for label in right.get_xticklabels()] == ["at the start", "at the end"]
    assert [text.get_text() for text in right.texts] == [
        "30",
        "4",
        "9,000",
        "12,000",
        "0.02",
        "0.5",
    ]


def test_bars_of_a_moment_are_side_by_side():
    _, right = gradient_estimators(LOSSES, VARIANCES).axes
    first = [bars[0] for bars in right.containers]
    edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in first]
    assert all(end <= start for (_, end), (start, _) in pairwise(edges))
    assert np.mean([np.mean(edge) for edge in edges]) == pytest.approx(0)


def test_a_variance_of_zero_has_a_number_and_no_bar(tmp_path):
    for variances in (VARIANCES | {"none": [0.0, 0.0]}, {name: [0.0, 0.0] for name in LOSSES}):
        figure = gradient_estimators(LOSSES, variances)
        right = figure.axes[1]
        low, high = right.get_ylim()
        shown = [text.get_text() for text in right.texts]
        assert shown[-2:] == ["0", "0"] and all(low <= text.xy[1] < high for text in right.texts)
        save(figure, tmp_path / "a.png")


def test_one_estimator_and_one_epoch(tmp_path):
    figure = gradient_estimators({"pathwise": [3.0]}, {"pathwise": [0.5]}, ["now"])
    assert save(figure, tmp_path / "a.png").stat().st_size > 0
    assert len(figure.axes[0].lines) == 1
    assert "0.5" in [text.get_text() for text in figure.axes[1].texts]


@pytest.mark.parametrize(
    ("losses", "variances", "parameter"),
    [
        ({}, {}, "losses"),
        (LOSSES, {"pathwise": [1.0, 2.0]}, "variances"),
        ({"a": [1.0]}, {"a": [1.0]}, "variances.a"),
        ({"a": [1.0]}, {"a": [-1.0, 1.0]}, "variances.a"),
        ({"a": [np.nan]}, {"a": [1.0, 1.0]}, "losses.a"),
        ({"a": [[1.0]]}, {"a": [1.0, 1.0]}, "losses.a"),
    ],
)
def test_invalid_arguments(losses, variances, parameter):
    with raises(DataError, parameter):
        gradient_estimators(losses, variances)
