"""Curves of several runs share their axes, and best epochs are marked."""

import numpy as np
import pytest

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import run_curves


def history(epochs, step, rise=0.0):
    train = 100 - np.arange(epochs, dtype=float)
    val = 101 - np.arange(epochs) + rise * np.arange(epochs) ** 2
    parts = {
        f"{s}_{part}": v
        for s, v in (("train", train), ("val", val))
        for part in ("loss", "reconstruction", "divergence")
    }
    return {"step": step * np.arange(1, epochs + 1), **parts}


def history_without_divergence():
    unknown = np.full(5, np.nan)
    return history(5, 1) | {"train_divergence": unknown, "val_divergence": unknown}


def test_runs_of_any_length_share_the_axis_of_steps():
    runs = {"few examples": history(50, 8, rise=0.05), "all examples": history(4, 100)}
    figure = run_curves(runs, {"few examples": 11, "all examples": 3}, title="two")
    loss = figure.axes[0]
    drawn = [line for line in loss.lines if line.get_linestyle() != "None"]
    colors = [line.get_color() for line in drawn]
    assert len(drawn) == 4 and colors[0] == colors[1] != colors[2] == colors[3]
    assert list(drawn[0].get_xdata()[[0, -1]]) == [8, 400]
    assert list(drawn[2].get_xdata()) == [100, 200, 300, 400]
    stars = [line for line in loss.lines if line.get_marker() == "*"]
    assert [list(star.get_xdata()) for star in stars] == [[8 * 11], [300]]
    best = [runs["few examples"]["val_loss"][10], runs["all examples"]["val_loss"][2]]
    assert [list(star.get_ydata()) for star in stars] == [[best[0]], [best[1]]]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["few examples", "all examples", " ", "validation", "training", "best epoch"]


@pytest.mark.parametrize(("step", "scale"), [(9, "linear"), (10, "log")])
def test_a_run_ten_times_as_long_as_another_makes_the_axis_logarithmic(step, scale):
    figure = run_curves({"short": history(5, 1), "long": history(5, step)})
    assert {axes.get_xscale() for axes in figure.axes} == {scale}


def test_a_rising_end_is_shown_and_a_towering_start_is_not():
    high, late = history(40, 1), history(40, 1)
    high["train_loss"][0] = 1e6
    late["val_loss"][-1] = 1e6
    bottom, top = run_curves({"a": high, "b": history(40, 1)}).axes[0].get_ylim()
    assert bottom < 60 and top < 200
    assert run_curves({"a": late, "b": history(40, 1)}).axes[0].get_ylim()[1] > 1e6
    assert "1e+06" in run_curves({"a": high}).axes[0].texts[0].get_text()


def test_unknown_divergences_are_left_out():
    unknown = history_without_divergence()
    axes = run_curves({"plain": unknown, "vae": history(5, 1)}).axes
    assert [len(line.get_xdata()) for line in axes[2].lines] == [0, 0, 5, 5]
    assert [len(line.get_xdata()) for line in axes[0].lines] == [5, 5, 5, 5]
    assert axes[0].get_title("left") == "Loss (negative ELBO, or reconstruction alone)"


def test_without_any_divergence_only_the_loss_is_shown():
    unknown = history_without_divergence()
    (axes,) = run_curves({"one": unknown, "other": unknown}).axes
    assert axes.get_title("left") == "Loss (reconstruction alone)" and axes.get_xlabel() == "step"


def test_invalid_runs():
    with raises(DataError, "runs.a"):
        run_curves({"a": {k: v for k, v in history(3, 1).items() if k != "val_loss"}})
    with raises(DataError, "runs.a"):
        run_curves({"a": history(3, 1) | {"step": [1, 2]}})
    with raises(DataError, "runs"):
        run_curves({})


def test_a_line_in_the_color_of_the_run_marks_the_begin_of_its_second_stage():
    runs = {"one": history(5, 8), "two": history(5, 10)}
    figure = run_curves(runs, None, {"one": None, "two": 3})
    (mark,) = [line for line in figure.axes[0].lines if set(line.get_xdata()) == {20}]
    curve = next(line for line in figure.axes[0].lines if line.get_xdata()[-1] == 50)
    assert mark.get_color() == curve.get_color()
    names = len(figure.legends[0].get_texts())
    assert names == len(run_curves(runs).legends[0].get_texts()) + 2  # a row of two columns
