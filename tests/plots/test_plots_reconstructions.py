"""Examples are over their reconstructions, with index, class and latent code below."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from raising import raises
from vaekit.errors import DataError
from vaekit.plots import reconstructions, save

RNG = np.random.default_rng(4)


def captions(figure: Figure) -> list[str]:
    return [label.get_text() for axes in figure.axes for label in axes.get_xticklabels()]


@pytest.mark.parametrize("channels", [1, 3])
def test_each_example_is_above_its_reconstruction(channels):
    originals, decoded = RNG.random((2, 4, channels, 28, 28))
    figure = reconstructions(originals, decoded)
    pixels = np.asarray(figure.axes[0].images[0].get_array()).reshape(57, 115, channels)
    for index in range(4):
        left = 29 * index
        assert np.array_equal(pixels[:28, left : left + 28], originals[index].transpose(1, 2, 0))
        assert np.array_equal(pixels[29:, left : left + 28], decoded[index].transpose(1, 2, 0))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "original",
        "decoded",
    ]


def test_index_class_and_latent_code_are_written_below():
    x = RNG.random((2, 1, 28, 28))
    figure = reconstructions(
        x, x, codes=[[0.123, -4.567], [1, 0]], indices=[7, 9], labels=["nine", 9], title="nines"
    )
    assert captions(figure) == ["7\nnine\n0.12\n−4.57", "9\n9\n1.00\n0.00"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["index\nclass\nz1\nz2"]
    assert list(figure.axes[0].get_xticks()) == [13.5, 42.5]
    assert figure.get_suptitle() == "nines"


@pytest.mark.parametrize(("size", "lines"), [(1, 1), (4, 4), (5, 1), (64, 1)])
def test_many_dimensions_are_written_as_their_norm(size, lines):
    x = RNG.random((3, 1, 8, 8))
    codes = np.full((3, size), 2.0)
    texts = captions(reconstructions(x, x, codes=codes))
    assert texts == ["\n".join(["2.00"] * lines) if size <= 4 else f"{2 * np.sqrt(size):.2f}"] * 3


@pytest.mark.parametrize("count", [1, 10, 11, 16, 23, 40])
def test_bands_hold_every_pair_once_and_in_order(count, tmp_path):
    x = np.broadcast_to(np.arange(count)[:, None, None, None] / 100, (count, 1, 28, 28))
    figure = reconstructions(x, x, indices=range(count))
    assert captions(figure) == [str(index) for index in range(count)]
    for axes in figure.axes:
        pixels = np.asarray(axes.images[0].get_array())
        for at, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
            assert pixels[14, int(at)] == pixels[43, int(at)] == int(label.get_text()) / 100
    assert max(len(axes.get_xticks()) for axes in figure.axes) <= 10
    save(figure, tmp_path / "a.png")


def test_long_class_names_are_broken_and_keep_the_lines_level():
    x = RNG.random((2, 1, 28, 28))
    figure = reconstructions(x, x, codes=[[1.0], [2.0]], labels=["Ankle boot", "Bag"])
    assert captions(figure) == ["Ankle\nboot\n1.00", "Bag\n\n2.00"]
    assert figure.axes[0].texts[0].get_text() == "class\n\nz1"


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (
            ["class number 000 with a long name", "class number 055 with a long name"],
            ["…000", "…055"],
        ),
        (["a long name, number 1", "a long name, number 2", "none"], ["…1", "…2", "none"]),
        (
            [
                "a number of bees 1",
                "a number of bees 2",
                "a number of ants 1",
                "a number of ants 2",
            ],
            ["…bees 1", "…bees 2", "…ants 1", "…ants 2"],
        ),
        (["cats of the country", "dogs of the country"], ["cats of\nthe…", "dogs of\nthe…"]),
        (["a long name of a class"] * 2, ["a long\nname of…"] * 2),
    ],
)
def test_shortened_names_of_different_classes_differ(names, shown):
    x = RNG.random((len(names), 1, 28, 28))
    assert captions(reconstructions(x, x, labels=names)) == shown


def test_images_are_clipped_and_not_rescaled():
    x = np.full((1, 1, 4, 4), 0.5)
    pixels = np.asarray(reconstructions(x, 4 * x).axes[0].images[0].get_array())
    assert (pixels[:4] == 0.5).all() and (pixels[5:] == 1).all()


def test_vectors_are_lines_one_over_the_other(tmp_path):
    x, y = RNG.normal(size=(2, 5, 20))
    figure = reconstructions(
        x, y, indices=range(5), labels=["a b"] * 5, codes=np.ones((5, 2)), title="signals"
    )
    drawn = [axes for axes in figure.axes if axes.lines]
    assert len(drawn) == 5
    for index, axes in enumerate(drawn):
        original, decoded = axes.lines
        assert np.array_equal(original.get_ydata(), x[index])
        assert np.array_equal(decoded.get_ydata(), y[index])
        heading = " ".join(axes.get_title(loc="left").replace("\N{NO-BREAK SPACE}", " ").split())
        assert heading == f"index {index}, class a b, z1 1.00, z2 1.00"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["original", "decoded"]
    save(figure, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [
        ({"decoded": np.zeros((3, 1, 4, 4))}, "decoded"),
        ({"originals": np.zeros((2, 4, 4))}, "originals"),
        ({"codes": np.zeros((3, 2))}, "codes"),
        ({"codes": [1.0, 2.0]}, "codes"),
        ({"indices": [1]}, "indices"),
        ({"labels": "abc"}, "labels"),
        ({"decoded": np.full((2, 1, 4, 4), np.nan)}, "decoded"),
        ({"originals": np.zeros((201, 3)), "decoded": np.zeros((201, 3))}, "originals"),
    ],
)
def test_invalid_arguments(arguments, parameter):
    images = np.zeros((2, 1, 4, 4))
    with raises(DataError, parameter):
        reconstructions(**{"originals": images, "decoded": images} | arguments)
