"""Runs beside each other: every array in its column and row; curves on common axes."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from vaekit.errors import DataError
from vaekit.plots import Column, compared_curves, comparison, save

RNG = np.random.default_rng(8)


def column(name, shape=(1, 8, 8), dimensions=2):
    return Column(
        name,
        RNG.normal(size=(30, dimensions)),
        ("z1", "z2"),
        RNG.random((5, *shape)),
        RNG.random((5, *shape)),
        RNG.random((3, 5, *shape)),
        ("0 sd", "0.5 sd", "1 sd", "2 sd", "4 sd"),
        RNG.random((10, *shape)),
        "loss 1.0",
    )


def texts(figure):
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 20, 31)])
def test_every_array_is_in_its_column_and_row(shape):
    columns = [column(name, shape) for name in ("first", "second", "third")]
    figure = comparison(columns, RNG.integers(0, 3, 30), ("a", "b", "c"), title="three")
    assert {"first", "second", "third", "loss 1.0", "Codes of the same rows, by class"} <= set(
        texts(figure)
    )
    strips = [axes for axes in figure.axes if axes.images]
    assert len(strips) == 9 and len(figure.axes) == 12
    channels, height, width = shape
    gap = max(1, width // 24)
    for index, axes in enumerate(strips):
        one = columns[index % 3]
        rows = (
            np.stack([one.originals, one.decoded]),
            one.moved,
            np.asarray(one.samples).reshape(2, 5, *shape),
        )[index // 3]
        picture = np.asarray(axes.images[0].get_array())
        picture = picture.reshape(*picture.shape[:2], channels)
        for i, j in np.ndindex(rows.shape[:2]):
            tile = picture[i * (height + gap) :, j * (width + gap) :][:height, :width]
            assert np.array_equal(tile, rows[i, j].transpose(1, 2, 0))
        left = axes.get_position().x0
        assert left == pytest.approx(strips[index % 3].get_position().x0)
    assert [label.get_text() for label in strips[3].get_xticklabels()] == list(columns[0].steps)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 64, 16), (1, 16, 64), (3, 200, 200)])
@pytest.mark.parametrize("count", [2, 8])
def test_nothing_overlaps_or_leaves_the_page(shape, count, tmp_path):
    columns = [
        column(f"a-long-name-of-a-run-{i}-20260101-120000", shape, 1 + i % 2) for i in range(count)
    ]
    figure = comparison(columns, RNG.integers(0, 2, 30), ("Ankle boot", "Bag"), title="runs")
    save(figure, tmp_path / "a.png")
    FigureCanvasAgg(figure).draw()
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(box.x0 >= 0 and box.x1 <= 1 and box.y0 >= 0 and box.y1 <= 1 for box in boxes)
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
    page = figure.bbox
    for text in figure.texts:
        box = text.get_window_extent()
        assert page.x0 <= box.x0 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1
    names = [text.get_window_extent() for text in figure.texts if text.get_text().startswith("…")]
    assert len(names) == count and all(a.x1 < b.x0 for a, b in itertools.pairwise(names))


def test_rows_that_are_no_images_show_their_codes():
    figure = comparison([Column(name, RNG.normal(size=(9, 2)), ("z1", "z4")) for name in "ab"])
    assert [axes.get_ylabel() for axes in figure.axes] == ["z4", "z4"]
    assert "Codes of the same rows" in texts(figure)


def test_histograms_of_classes_of_long_names_are_told_apart():
    names = ("number 1 of the classes", "number 2 of the classes")
    figure = comparison(
        [column("a", dimensions=1), column("b", dimensions=1)], np.arange(30) % 2, names
    )
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["…2", "…1"]


def test_one_column_or_nine_are_refused():
    for count in (1, 9):
        with pytest.raises(DataError, match=f"{count} columns were given; allowed: 2 to 8"):
            comparison([column("a")] * count)
    with pytest.raises(DataError, match="originals holds NaN"):
        comparison([column("a"), replace(column("b"), originals=np.full((5, 1, 8, 8), np.nan))])


def test_the_steps_are_said_in_the_units_that_are_there():
    normal, discrete = column("a"), replace(column("b"), steps=("0%", "12%", "25%", "50%", "100%"))
    said = {
        "One code pushed away: by standard deviations of all codes": [normal, normal],
        "One code pushed away: by % of it replaced": [discrete, discrete],
        "One code pushed away: by standard deviations of all codes, or by % of it replaced": [
            normal,
            discrete,
        ],
    }
    for text, columns in said.items():
        assert text in texts(comparison(columns))


# --- Curves ---------------------------------------------------------------------------------------------------------------


def metrics(epochs, step, rise=0.0):
    train = 100 - np.arange(epochs, dtype=float)
    val = 101 - np.arange(epochs) + rise * np.arange(epochs) ** 2
    parts = {
        f"{s}_{part}": v
        for s, v in (("train", train), ("val", val))
        for part in ("loss", "reconstruction", "divergence")
    }
    return {"updates": step * np.arange(1, epochs + 1), **parts}


def test_runs_of_any_length_share_the_axis_of_updates():
    runs = {"few rows": metrics(50, 8, rise=0.05), "all rows": metrics(4, 100)}
    figure = compared_curves(runs, {"few rows": 11, "all rows": None}, title="two")
    loss = figure.axes[0]
    drawn = [line for line in loss.lines if line.get_linestyle() != "None"]
    colours = [line.get_color() for line in drawn]
    assert len(drawn) == 4 and colours[0] == colours[1] != colours[2] == colours[3]
    assert list(drawn[0].get_xdata()[[0, -1]]) == [8, 400] and list(drawn[2].get_xdata()) == [
        100,
        200,
        300,
        400,
    ]
    stars = [line for line in loss.lines if line.get_marker() == "*"]
    assert len(stars) == 1 and (*stars[0].get_xdata(), *stars[0].get_ydata()) == (
        8 * 11,
        runs["few rows"]["val_loss"][10],
    )
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["few rows", "all rows", " ", "validation", "training", "epoch that was kept"]


@pytest.mark.parametrize(("step", "scale"), [(9, "linear"), (10, "log")])
def test_a_run_ten_times_as_long_as_another_makes_the_axis_logarithmic(step, scale):
    figure = compared_curves({"short": metrics(5, 1), "long": metrics(5, step)})
    assert {axes.get_xscale() for axes in figure.axes} == {scale}


def test_a_rising_end_is_shown_and_a_towering_start_is_not():
    high, late = metrics(40, 1), metrics(40, 1)
    high["train_loss"][0] = 1e6
    late["val_loss"][-1] = 1e6
    bottom, top = compared_curves({"a": high, "b": metrics(40, 1)}).axes[0].get_ylim()
    assert bottom < 60 and top < 200
    assert compared_curves({"a": late, "b": metrics(40, 1)}).axes[0].get_ylim()[1] > 1e6
    assert "begins at up to 1e+06" in compared_curves({"a": high}).axes[0].texts[0].get_text()


def test_what_is_not_known_is_left_out():
    none = metrics(5, 1) | {
        "train_divergence": np.full(5, np.nan),
        "val_divergence": np.full(5, np.nan),
    }
    axes = compared_curves({"plain": none, "vae": metrics(5, 1)}).axes
    assert [len(line.get_xdata()) for line in axes[2].lines] == [0, 0, 5, 5]
    assert [len(line.get_xdata()) for line in axes[0].lines] == [5, 5, 5, 5]
    assert axes[0].get_title("left") == "Loss (negative ELBO, or reconstruction alone)"


def test_where_no_run_has_a_divergence_the_loss_stands_alone():
    none = metrics(5, 1) | {
        "train_divergence": np.full(5, np.nan),
        "val_divergence": np.full(5, np.nan),
    }
    (axes,) = compared_curves({"one": none, "other": none}).axes
    assert (
        axes.get_title("left") == "Loss (reconstruction alone)"
        and axes.get_xlabel() == "updates of the weights"
    )


def test_curves_that_are_refused():
    with pytest.raises(DataError, match="the metrics of a lack val_loss; allowed"):
        compared_curves({"a": {k: v for k, v in metrics(3, 1).items() if k != "val_loss"}})
    with pytest.raises(DataError, match="the same for all"):
        compared_curves({"a": metrics(3, 1) | {"updates": [1, 2]}})
    with pytest.raises(DataError, match="no runs were given"):
        compared_curves({})
