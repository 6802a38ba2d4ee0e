import subprocess
import sys

import numpy as np
import pytest

from vaekit.data import Dataset, Examples, Support, check_compatible
from vaekit.errors import DataError

UNIT = Support("unit")


def dataset(train=None, test=None, name="toy", support=UNIT, classes=()):
    return Dataset(
        name, Examples(np.zeros((4, 1, 2, 3))) if train is None else train, test, support, classes
    )


def labels(*values):
    return np.array(values, np.int64)


def test_shape_and_labels():
    images = dataset()
    vectors = dataset(Examples(np.zeros((2, 5)), labels(0, 1)), classes=("a", "b"))
    assert images.shape == (1, 2, 3) and not images.labelled
    assert vectors.shape == (5,) and vectors.labelled


def test_take_keeps_rows_and_labels_together():
    rows = Examples(np.arange(6, dtype=np.uint8).reshape(3, 2), labels(0, 1, 2)).select(
        np.array([2, 0])
    )
    assert rows.x.tolist() == [[4, 5], [0, 1]] and rows.x.dtype == np.uint8
    assert rows.y is not None and rows.y.tolist() == [2, 0] and len(rows) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "a/b"}, "dataset name 'a/b': allowed are"),
        ({"name": ".hidden"}, "dataset name '.hidden'"),
        ({"name": "x" * 65}, "up to 64"),
        ({"train": Examples(np.zeros((0, 3)))}, r"'toy' is empty"),
        ({"train": Examples(np.zeros((3, 0)))}, "is empty"),
        (
            {"train": Examples(np.zeros((2, 3, 3)))},
            r"has the shape \(2, 3, 3\): allowed are \[N, D\]",
        ),
        (
            {"train": Examples(np.zeros((2, 2), complex))},
            "values of type complex128: allowed are bool",
        ),
        ({"train": Examples(np.array([["a"]]))}, "values of type <U1"),
        ({"train": Examples(np.array([[None]]))}, "values of type object"),
        ({"train": Examples(np.zeros((2, 2), ">f8"))}, "byte order"),
        ({"train": Examples(np.full((2, 2), 2.0))}, r"'toy': row 0 holds 2.0"),
        ({"test": Examples(np.full((1, 1, 2, 3), 2.0))}, r"'toy' \(test rows\): row 0 holds 2.0"),
        (
            {"test": Examples(np.zeros((1, 1, 3, 2)))},
            r"rows of shape \(1, 2, 3\) and test rows of shape \(1, 3, 2\)",
        ),
        (
            {"train": Examples(np.zeros((2, 2)), labels(0))},
            r"labels of type int64 and shape \(1,\): needed are int64 and",
        ),
        ({"train": Examples(np.zeros((1, 2)), np.zeros(1))}, "labels of type float64"),
        (
            {"train": Examples(np.zeros((2, 2)), labels(0, 2)), "classes": ("a", "b")},
            "from 0 to 2: with 2 class names",
        ),
        (
            {"train": Examples(np.zeros((2, 2)), labels(-1, 0)), "classes": ("a", "b")},
            "labels from -1 to 0",
        ),
        ({"train": Examples(np.zeros((2, 2)), labels(0, 0))}, "the classes have no names"),
        ({"classes": ("a",)}, "has no labels, but the classes are named"),
        ({"classes": ("a", "a")}, "two classes of one name"),
        ({"classes": ("a\n",)}, r"a class named 'a\\n': class names are printable"),
        ({"classes": ("\udc80",)}, "class names are printable"),
        ({"classes": ("",)}, "class names are printable"),
    ],
)
def test_what_does_not_agree_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        dataset(**changes)


def test_both_parts_need_labels():
    train, test = Examples(np.zeros((1, 2)), labels(0)), Examples(np.zeros((1, 2)))
    with pytest.raises(DataError, match=r"\(test rows\) has no labels, but the classes are named"):
        dataset(train, test, classes=("a",))


def test_fingerprint_is_of_the_content(monkeypatch):
    x = np.random.default_rng(0).random((7, 3, 4, 2))
    whole = dataset(Examples(x)).fingerprint()
    assert len(whole) == 64
    monkeypatch.setattr("vaekit.data.file_reading.BLOCK_BYTES", 100)
    assert dataset(Examples(np.asfortranarray(x)), name="other").fingerprint() == whole


def test_fingerprint_sees_every_part():
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


def test_require_fits():
    for rows, shape in ((np.zeros((2, 1, 8, 8)), (1, 8, 8)), (Examples(np.zeros((2, 5))), (5,))):
        check_compatible(
            rows, shape, UNIT, "new.npy"
        )  # says nothing, where the next shape is refused
        with pytest.raises(DataError, match=r"new\.npy has rows of shape"):
            check_compatible(rows, (*shape[:-1], shape[-1] + 1), UNIT, "new.npy")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            np.zeros((2, 1, 8, 8)),
            r"has rows of shape \(1, 8, 8\), the model takes \(1, 28, 28\): resize the images to height 28 and width 28",
        ),
        (np.zeros((2, 3, 28, 28)), r"takes \(1, 28, 28\): give rows of that shape"),
        (np.zeros((2, 784)), r"new has rows of shape \(784,\), the model takes"),
        (
            np.full((2, 1, 28, 28), 255.0),
            "new: row 0 holds 255.0, unit data are numbers from 0 to 1",
        ),
        (np.zeros((0, 1, 28, 28)), "new is empty"),
        (np.zeros((2, 1, 28, 28), object), "new has values of type object"),
    ],
)
def test_require_refuses(x, message):
    with pytest.raises(DataError, match=message):
        check_compatible(x, (1, 28, 28), UNIT, "new")


def test_importing_the_package_imports_no_heavy_library():
    code = "import sys, vaekit.data; print([m for m in ('torch', 'sklearn', 'PIL', 'lightning') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
