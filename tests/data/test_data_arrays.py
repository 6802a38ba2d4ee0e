"""Arrays in memory, in .npy and in .npz files."""

import io
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raising import raises
from vaekit.data import Examples, load
from vaekit.data.building import build_dataset
from vaekit.data.readers.npz import read_npz
from vaekit.errors import DataError


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 7), (7,)),
        ((5, 8, 9), (1, 8, 9)),
        ((5, 8, 9, 1), (1, 8, 9)),
        ((5, 8, 9, 3), (3, 8, 9)),
        ((5, 8, 9, 4), (4, 8, 9)),
        ((5, 1, 8, 9), (1, 8, 9)),
        ((5, 3, 8, 9), (3, 8, 9)),
        ((5, 1, 4, 4), (1, 4, 4)),
        ((5, 4, 4, 1), (1, 4, 4)),
        ((5, 3, 9, 3), (3, 3, 9)),
        ((5, 3, 3, 3), (3, 3, 3)),
    ],
)
def test_channels_come_first(shape, expected):
    assert load(np.zeros(shape)).shape == expected


def test_channels_are_last_if_the_shape_is_ambiguous():
    x = np.arange(54.0).reshape(2, 3, 3, 3)
    assert np.array_equal(load(x).train.x, x.transpose(0, 3, 1, 2))


def test_channels_last_become_a_view_with_the_same_pixels():
    x = np.arange(2 * 5 * 6 * 3, dtype=np.uint8).reshape(2, 5, 6, 3)
    loaded = load(x).train.x
    assert np.shares_memory(loaded, x) and loaded[1, 2, 3, 4] == x[1, 3, 4, 2]


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(5),
        np.zeros((5, 2, 8, 8)),
        np.zeros((5, 3, 8, 8, 8)),
        np.zeros(()),
        np.zeros((0, 5)),
        np.zeros((2, 2), complex),
        np.array([["a", "b"]]),
        np.array([[1, None]]),
        np.zeros((2, 2), "datetime64[s]"),
    ],
)
def test_other_shapes_and_types_are_refused(x):
    with raises(DataError, "data"):
        load(x)
    with raises(DataError, "test"):
        load(np.zeros((2, 3)), test=x)


def test_types_stay_as_they_come():
    for dtype in (bool, np.uint8, np.int16, np.float16, np.float32, np.float64):
        assert load(np.zeros((2, 3), dtype)).train.x.dtype == dtype
    assert load(np.zeros((2, 3), ">f4")).train.x.dtype == np.dtype("=f4")
    assert str(load(np.zeros((2, 3), np.int16)).support) == "real"


@pytest.mark.parametrize(
    ("y", "classes", "indices"),
    [
        (np.array([10, 2, 10]), ("2", "10"), [1, 0, 1]),
        (np.array([1.0, 0.0, 1.0]), ("0", "1"), [1, 0, 1]),
        (np.array(["cat", "ant", "cat"]), ("ant", "cat"), [1, 0, 1]),
        (np.array(["cat", "ant", "cat"], object), ("ant", "cat"), [1, 0, 1]),
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        (np.array([True, False, True]), ("False", "True"), [1, 0, 1]),
        (np.array([-1, 1, 1], np.int8), ("-1", "1"), [0, 1, 1]),
    ],
)
def test_labels_become_class_indices(y, classes, indices):
    data = load((np.zeros((3, 2)), y))
    assert data.classes == classes and data.train.y is not None
    assert data.train.y.tolist() == indices and data.train.y.dtype == np.int64


@pytest.mark.parametrize(
    "y",
    [
        np.array([0.5, 1, 1]),
        np.array([2.0**60, 1, 1]),
        np.array([np.nan, 1, 1]),
        np.array([None, 1, 1]),
        np.array([b"a", b"b", b"c"]),
        np.array([0, 1]),
        np.zeros((3, 1)),
    ],
)
def test_other_labels_are_refused(y):
    with raises(DataError, "data"):
        load((np.zeros((3, 2)), y))
    with raises(DataError, "labels"):
        build_dataset("array", Examples(np.zeros((3, 2)), y))


@pytest.mark.parametrize("known", [("dog", "cat"), ("dog", "bee", "cat"), ("owl", "ant")])
def test_labels_keep_their_names_if_known_classes_are_not_in_alphabetical_order(known):
    y = ["cat", "dog", "bee", "owl", "ant", "dog", "cat"]
    data = build_dataset("animals", Examples(np.zeros((7, 2)), np.array(y)), classes=known)
    assert data.classes[: len(known)] == known and data.train.y is not None
    assert [data.classes[index] for index in data.train.y] == y


def test_indices_of_training_classes_do_not_depend_on_the_test_part():
    data = load((np.zeros((2, 1)), [5, 7]), test=(np.zeros((3, 1)), [1, 7, 5]))
    assert data.classes == ("5", "7", "1")
    assert data.train.y is not None and data.train.y.tolist() == [0, 1]
    assert data.test is not None and data.test.y is not None and data.test.y.tolist() == [2, 1, 0]


def test_new_classes_of_the_test_part_come_last_in_the_order_of_its_labels():
    test = (np.zeros((4, 1)), [10, 5, 2, 10])
    data = load((np.zeros((2, 1)), [5, 7]), test=test)
    assert data.classes == ("5", "7", "2", "10")
    assert data.test is not None and data.test.y is not None
    assert [data.classes[index] for index in data.test.y] == ["10", "5", "2", "10"]


def test_npy_stays_on_disk(tmp_path):
    x = np.random.default_rng(0).random((4, 6, 5, 3), np.float32)
    np.save(tmp_path / "my photos.npy", x)
    data = load(tmp_path / "my photos.npy")
    assert isinstance(data.train.x, np.memmap) and not data.train.x.flags.writeable
    assert data.name == "my-photos" and data.shape == (3, 6, 5) and str(data.support) == "unit"
    assert np.array_equal(data.train.x, x.transpose(0, 3, 1, 2))


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def test_pickles_are_never_opened(tmp_path):
    trap = np.array([Trap()], dtype=object)
    np.save(tmp_path / "x.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=trap)
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Trap()))
    for name in ("x.npy", "x.npz", "plain.npy"):
        with raises(DataError, "data"):
            load(tmp_path / name)


def test_truncated_npy_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((10, 10)))
    content = (tmp_path / "x.npy").read_bytes()
    for cut in (0, 5, 50, 128, len(content) - 1):
        (tmp_path / "x.npy").write_bytes(content[:cut])
        with raises(DataError, "data"):
            load(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("names", "labeled", "test"),
    [
        (["x"], False, False),
        (["pixels"], False, False),
        (["x", "y"], True, False),
        (["x", "labels"], True, False),
        (["x_train", "y_train"], True, False),
        (["x", "x_test"], False, True),
        (["x_train", "y_train", "x_test", "y_test"], True, True),
    ],
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_names_of_arrays_in_npz(tmp_path, names, labeled, test, save):
    x = np.random.default_rng(0).integers(0, 256, (6, 4, 4)).astype(np.uint8)
    y = np.arange(6) % 2
    arrays = {name: y if name[0] in "yl" else np.asfortranarray(x) for name in names}
    save(tmp_path / "a.npz", **arrays)
    data = load(tmp_path / "a.npz")
    assert data.labeled == labeled and (data.test is not None) == test
    assert np.array_equal(data.train.x[:, 0], x)


@pytest.mark.parametrize(
    "names",
    [
        ["x", "weights"],
        ["x", "x_train"],
        ["y", "labels"],
        ["x", "y", "labels"],
        ["x", "y_test"],
        ["x_test", "y_test"],
        [],
    ],
)
def test_other_names_of_arrays_in_npz_are_refused(tmp_path, names):
    arrays: dict[str, Any] = {name: np.zeros((2, 2)) for name in names}
    np.savez(tmp_path / "a.npz", **arrays)
    with raises(DataError, "data"):
        load(tmp_path / "a.npz")


def test_labels_of_one_part_only_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 2)), y=np.arange(2), x_test=np.zeros((2, 2)))
    with raises(DataError, "data"):
        load(tmp_path / "a.npz")
    labeled = (np.zeros((2, 2)), np.arange(2))
    with raises(DataError, "test"):
        load(labeled, test=np.zeros((2, 2)))
    with raises(DataError, "test"):
        load(np.zeros((2, 2)), test=labeled)


def test_a_declared_support_counts_for_both_parts_of_a_file(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 2)), x_test=np.full((2, 2), 5.0))
    with raises(DataError, "test"):
        build_dataset("a", Examples(np.zeros((2, 2))), Examples(np.full((2, 2), 5.0)))
    with raises(DataError, "data"):
        load(tmp_path / "a.npz")
    assert str(load(tmp_path / "a.npz", support="real").support) == "real"


def member(shape, values=b"", descr="<f8", version=1):
    """The bytes of an .npy file with any header."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    writers = {1: np.lib.format.write_array_header_1_0, 2: np.lib.format.write_array_header_2_0}
    writers[version](file, header)
    return file.getvalue() + values


@pytest.mark.parametrize(
    "content",
    [
        member((10**9, 10**9)),
        member((2, 2), bytes(31)),
        member((2, 2), bytes(33)),
        member((-1, -4), bytes(32)),
        member((2,), descr="|O"),
        member((10**12,), descr="<U0"),
        b"",
        b"\x93NUMPY\x09\x00",
        b"\x93NUMPY\x01\x00\x05\x00{((((",
    ],
)
def test_hostile_members_of_npz_are_refused(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with raises(DataError, "data"):
        load(tmp_path / "a.npz")


def test_second_header_version_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", member((2, 2), np.eye(2).tobytes(), version=2))
    assert np.array_equal(load(tmp_path / "a.npz").train.x, np.eye(2))


def test_the_size_of_npz_is_limited(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1000), b=np.zeros(1000))
    assert set(read_npz(tmp_path / "a.npz", "here", limit_bytes=17_000)) == {"a", "b"}
    with raises(DataError):
        read_npz(tmp_path / "a.npz", "here", limit_bytes=16_000)


def test_damaged_text_labels_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", member((1, 1), bytes(8)))
        archive.writestr("y.npy", member((1,), b"\xff\xff\xff\x7f", descr="<U1"))
    with raises(DataError, "data"):
        load(tmp_path / "a.npz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
@pytest.mark.filterwarnings("ignore")  # NumPy warns of headers that look like headers of Python 2
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_damaged_bytes_never_end_in_a_foreign_error(tmp_path, kind, data):
    file = io.BytesIO()
    x = np.arange(40.0).reshape(4, 10)
    if kind == "npy":
        np.save(file, x)
    else:
        np.savez_compressed(file, x=x, y=np.array(["a", "b", "a", "b"]))
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content)
    message = ""
    try:
        load(path)
    except DataError as error:
        message = str(error)
    assert "\n" not in message
