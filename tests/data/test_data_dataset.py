"""Datasets, their checks and fingerprints, and checks of arrays for a model."""

import subprocess
import sys

import numpy as np
import pytest

from raising import raises
from vaekit.data import (
    Dataset,
    Examples,
    Support,
    check_compatible,
    check_inputs,
    check_labels,
    check_latents,
)
from vaekit.errors import DataError

UNIT = Support("unit")


def dataset(train=None, test=None, name="toy", support=UNIT, classes=()):
    if train is None:
        train = Examples(np.zeros((4, 1, 2, 3)))
    return Dataset(name, train, test, support, classes)


def labels(*values):
    return np.array(values, np.int64)


def test_shape_and_labels():
    images = dataset()
    vectors = dataset(Examples(np.zeros((2, 5)), labels(0, 1)), classes=("a", "b"))
    assert images.shape == (1, 2, 3) and not images.labeled
    assert vectors.shape == (5,) and vectors.labeled


def test_select_keeps_values_and_labels_together():
    examples = Examples(np.arange(6, dtype=np.uint8).reshape(3, 2), labels(0, 1, 2))
    selected = examples.select(np.array([2, 0]))
    assert selected.x.tolist() == [[4, 5], [0, 1]] and selected.x.dtype == np.uint8
    assert selected.y is not None and selected.y.tolist() == [2, 0] and len(selected) == 2


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"name": "a/b"}, "name"),
        ({"name": ".hidden"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"train": Examples(np.zeros((0, 3)))}, "train"),
        ({"train": Examples(np.zeros((3, 0)))}, "train"),
        ({"train": Examples(np.zeros((2, 3, 3)))}, "train"),
        ({"train": Examples(np.zeros((2, 2), complex))}, "train"),
        ({"train": Examples(np.array([["a"]]))}, "train"),
        ({"train": Examples(np.array([[None]]))}, "train"),
        ({"train": Examples(np.zeros((2, 2), ">f8"))}, "train"),
        ({"train": Examples(np.full((2, 2), 2.0))}, "train"),
        ({"test": Examples(np.full((1, 1, 2, 3), 2.0))}, "test"),
        ({"test": Examples(np.zeros((1, 1, 3, 2)))}, "test"),
        ({"train": Examples(np.zeros((2, 2)), labels(0)), "classes": ("a",)}, "train"),
        ({"train": Examples(np.zeros((1, 2)), np.zeros(1)), "classes": ("a",)}, "train"),
        ({"train": Examples(np.zeros((2, 2)), labels(0, 2)), "classes": ("a", "b")}, "train"),
        ({"train": Examples(np.zeros((2, 2)), labels(-1, 0)), "classes": ("a", "b")}, "train"),
        ({"train": Examples(np.zeros((2, 2)), labels(0, 0))}, "classes"),
        ({"classes": ("a",)}, "train"),
        ({"classes": ("a", "a")}, "classes"),
        ({"classes": ("a\n",)}, "classes"),
        ({"classes": ("\udc80",)}, "classes"),
        ({"classes": ("",)}, "classes"),
    ],
)
def test_contradictions_are_refused(changes, parameter):
    with raises(DataError, parameter):
        dataset(**changes)


def test_both_parts_need_labels_if_classes_are_named():
    train, test = Examples(np.zeros((1, 2)), labels(0)), Examples(np.zeros((1, 2)))
    with raises(DataError, "test"):
        dataset(train, test, classes=("a",))


def test_fingerprint_depends_on_the_content_alone(monkeypatch):
    x = np.random.default_rng(0).random((7, 3, 4, 2))
    expected = dataset(Examples(x)).fingerprint()
    assert len(expected) == 64
    monkeypatch.setattr("vaekit.data.file_reading.BLOCK_BYTES", 100)
    assert dataset(Examples(np.asfortranarray(x)), name="other").fingerprint() == expected


def test_fingerprint_depends_on_every_part():
    x, y, z = np.zeros((2, 2)), labels(0, 1), labels(1, 0)
    names = ("a", "b")
    variants = [
        dataset(Examples(x)),
        dataset(Examples(np.zeros((1, 4)))),
        dataset(Examples(np.zeros((2, 2), np.float32))),
        dataset(Examples(np.eye(2))),
        dataset(Examples(x), Examples(x)),
        dataset(Examples(x, y), classes=names),
        dataset(Examples(x, z), classes=names),
        dataset(Examples(x, y), Examples(x, z), classes=names),
    ]
    assert len({variant.fingerprint() for variant in variants}) == len(variants)


def test_memory_map_is_checked_and_hashed_in_place(tmp_path):
    x = np.random.default_rng(0).random((10, 3))
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert dataset(Examples(mapped)).train.x is mapped
    assert dataset(Examples(mapped)).fingerprint() == dataset(Examples(x)).fingerprint()


@pytest.mark.parametrize(
    ("x", "shape"), [(np.zeros((2, 1, 8, 8)), (1, 8, 8)), (np.zeros((2, 5)), (5,))]
)
def test_only_examples_of_the_expected_shape_are_compatible(x, shape):
    check_compatible(x, shape, UNIT, "new.npy")  # raises nothing
    with raises(DataError, "data"):
        check_compatible(x, (*shape[:-1], shape[-1] + 1), UNIT, "new.npy")


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((2, 1, 8, 8)),
        np.zeros((2, 3, 28, 28)),
        np.zeros((2, 784)),
        np.full((2, 1, 28, 28), 255.0),
        np.zeros((0, 1, 28, 28)),
        np.zeros((2, 1, 28, 28), object),
    ],
)
def test_incompatible_examples_are_refused(x):
    with raises(DataError, "codes"):
        check_compatible(x, (1, 28, 28), UNIT, "new", parameter="codes")


# --- Arrays for a model --------------------------------------------------------------------------


def test_inputs_get_their_channels_first():
    gray = np.random.default_rng(0).random((5, 6, 7))
    assert np.array_equal(check_inputs(gray, (1, 6, 7), UNIT), gray[:, None])
    color = np.random.default_rng(0).random((5, 6, 7, 3))
    assert np.array_equal(check_inputs(color, (3, 6, 7), UNIT), color.transpose(0, 3, 1, 2))
    first = color.transpose(0, 3, 1, 2)
    assert np.array_equal(check_inputs(first, (3, 6, 7), UNIT), first)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((6, 7), (1, 6, 7)), ((3, 6, 7), (3, 6, 7)), ((6, 7, 3), (3, 6, 7)), ((4,), (4,))],
    ids=str,
)
def test_one_example_is_a_batch_of_one(shape, expected):
    x = np.random.default_rng(0).random(shape)
    batch = check_inputs(x, expected, UNIT)
    assert batch.shape == (1, *expected)
    assert np.array_equal(batch, check_inputs(x[None], expected, UNIT))


@pytest.mark.parametrize("x", [np.zeros((2, 5)), [["a"] * 4], np.full((2, 4), np.nan), 3.0])
def test_other_inputs_are_refused(x):
    with raises(DataError, "x"):
        check_inputs(x, (4,), UNIT)


@pytest.mark.parametrize(
    "z", [[[1.0]], [1.0, 2.0], np.zeros((0, 2)), [[1.0, np.nan]], [[1e39, 0.0]], [["a", "b"]]]
)
def test_other_latent_codes_are_refused(z):
    with raises(DataError, "z"):
        check_latents(z, 2)


def test_labels_of_a_model_are_one_for_all_or_one_each():
    classes = ("dog", "10", "cat")
    one = check_labels("cat", classes, 3)
    each = check_labels(["cat", 10, "dog"], classes, 3)
    assert one is not None and one.tolist() == [2, 2, 2]
    assert each is not None and each.tolist() == [2, 1, 0]
    assert check_labels(None, (), 3) is None


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (None, ("a", "b")),
        ("c", ("a", "b")),
        (["a", "b"], ("a", "b")),
        ([], ("a", "b")),
        ("a", ()),
    ],
)
def test_other_labels_of_a_model_are_refused(names, classes):
    with raises(DataError, "labels"):
        check_labels(names, classes, 3)


@pytest.mark.process
def test_importing_the_package_imports_no_heavy_library():
    heavy = {"torch", "sklearn", "PIL", "lightning", "urllib.request"}
    code = f"import sys, vaekit.data; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
