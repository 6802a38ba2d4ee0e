"""Runs side by side: every array is in its column and row."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import Column, comparison, save

pytestmark = pytest.mark.slow

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
    assert {
        "first",
        "second",
        "third",
        "loss 1.0",
        "Latent codes of the same examples, by class",
    } <= set(texts(figure))
    strips = [axes for axes in figure.axes if axes.images]
    assert len(strips) == 9 and len(figure.axes) == 12
    channels, height, width = shape
    gap = max(1, width // 24)
    for index, axes in enumerate(strips):
        one = columns[index % 3]
        rows = (
            np.stack([one.originals, one.decoded]),
            one.perturbed,
            np.asarray(one.samples).reshape(2, 5, *shape),
        )[index // 3]
        pixels = np.asarray(axes.images[0].get_array())
        pixels = pixels.reshape(*pixels.shape[:2], channels)
        for i, j in np.ndindex(rows.shape[:2]):
            tile = pixels[i * (height + gap) :, j * (width + gap) :][:height, :width]
            assert np.array_equal(tile, rows[i, j].transpose(1, 2, 0))
        left = axes.get_position().x0
        assert left == pytest.approx(strips[index % 3].get_position().x0)
    assert [label.get_text() for label in strips[3].get_xticklabels()] == list(columns[0].steps)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 64, 16), (1, 16, 64), (3, 200, 200)])
@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.nightly)])
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


def test_examples_that_are_not_images_have_codes_only():
    figure = comparison([Column(name, RNG.normal(size=(9, 2)), ("z1", "z4")) for name in "ab"])
    assert [axes.get_ylabel() for axes in figure.axes] == ["z4", "z4"]
    assert "Latent codes of the same examples" in texts(figure)


def test_histograms_of_classes_with_long_names_have_distinct_labels():
    names = ("number 1 of the classes", "number 2 of the classes")
    figure = comparison(
        [column("a", dimensions=1), column("b", dimensions=1)], np.arange(30) % 2, names
    )
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["…2", "…1"]


def test_invalid_columns():
    for count in (1, 9):
        with raises(DataError, "columns"):
            comparison([column("a")] * count)
    with raises(DataError, "originals"):
        comparison([column("a"), replace(column("b"), originals=np.full((5, 1, 8, 8), np.nan))])
    with raises(DataError, "points"):
        comparison([column("a"), replace(column("b"), points=np.zeros((30, 3)))])


def test_the_heading_names_the_units_of_all_steps():
    normal, discrete = column("a"), replace(column("b"), steps=("0%", "12%", "25%", "50%", "100%"))
    headings = {
        "One latent code, perturbed: in standard deviations of all codes": [normal, normal],
        "One latent code, perturbed: in % of it replaced": [discrete, discrete],
        "One latent code, perturbed: in standard deviations of all codes, or in % of it replaced": [
            normal,
            discrete,
        ],
    }
    for heading, columns in headings.items():
        figure = comparison(columns)
        assert heading in texts(figure)
        FigureCanvasAgg(figure).draw()
        assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in figure.texts)
