import io
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaekit.data import load
from vaekit.errors import DataError


@pytest.mark.parametrize(
    ("given_", "expected"),
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
def test_channels_come_first(given_, expected):
    assert load(np.zeros(given_)).shape == expected


def test_channels_are_last_where_nothing_tells():
    x = np.arange(54.0).reshape(2, 3, 3, 3)
    assert np.array_equal(load(x).train.x, x.transpose(0, 3, 1, 2))


def test_channels_last_become_a_view_with_the_same_pixels():
    x = np.arange(2 * 5 * 6 * 3, dtype=np.uint8).reshape(2, 5, 6, 3)
    rows = load(x).train.x
    assert np.shares_memory(rows, x) and rows[1, 2, 3, 4] == x[1, 3, 4, 2]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(5), r"has the shape \(5,\): allowed are vectors \[N, D\], gray images"),
        (np.zeros((5, 2, 8, 8)), r"with 1, 3 or 4 channels"),
        (np.zeros((5, 3, 8, 8, 8)), "allowed are"),
        (np.zeros(()), "is a single number"),
        (np.zeros((0, 5)), r"'array' is empty, its shape is \(0, 5\)"),
        (np.zeros((2, 2), complex), "values of type complex128"),
        (np.array([["a", "b"]]), "values of type <U1"),
        (np.array([[1, None]]), "values of type object"),
        (np.zeros((2, 2), "datetime64[s]"), "values of type datetime64"),
    ],
)
def test_shapes_and_types_that_cannot_be(x, message):
    with pytest.raises(DataError, match=message):
        load(x)


def test_types_stay_as_they_come():
    for dtype in (bool, np.uint8, np.int16, np.float16, np.float32, np.float64):
        assert load(np.zeros((2, 3), dtype)).train.x.dtype == dtype
    assert load(np.zeros((2, 3), ">f4")).train.x.dtype == np.dtype("=f4")
    assert str(load(np.zeros((2, 3), np.int16)).support) == "real"


@pytest.mark.parametrize(
    ("y", "classes", "numbers"),
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
def test_labels_are_numbered(y, classes, numbers):
    data = load((np.zeros((3, 2)), y))
    assert data.classes == classes and data.train.y is not None
    assert data.train.y.tolist() == numbers and data.train.y.dtype == np.int64


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            np.array([0.5, 1, 1]),
            "has labels that are not whole numbers: allowed are whole numbers and text",
        ),
        (np.array([np.nan, 1, 1]), "not whole numbers"),
        (np.array([None, 1, 1]), "has labels of type object"),
        (np.array([b"a", b"b", b"c"]), "has labels of type |S1"),
        (np.array([0, 1]), r"'array' has labels of shape \(2,\) for 3 rows"),
        (np.zeros((3, 1)), r"labels of shape \(3, 1\) for 3 rows"),
    ],
)
def test_labels_that_cannot_be(y, message):
    with pytest.raises(DataError, match=message):
        load((np.zeros((3, 2)), y))


def test_the_numbers_of_training_classes_do_not_depend_on_the_test_part():
    data = load((np.zeros((2, 1)), [5, 7]), test=(np.zeros((3, 1)), [1, 7, 5]))
    assert data.classes == ("5", "7", "1")
    assert data.train.y is not None and data.train.y.tolist() == [0, 1]
    assert data.test is not None and data.test.y is not None and data.test.y.tolist() == [2, 1, 0]


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
    with pytest.raises(DataError, match=r"x.npy' cannot be read: .*Python objects"):
        load(tmp_path / "x.npy")
    with pytest.raises(
        DataError, match=r"x.npz, array x.npy' cannot be read: .*Python objects, which are never"
    ):
        load(tmp_path / "x.npz")
    with pytest.raises(DataError, match=r"plain.npy' cannot be read"):
        load(tmp_path / "plain.npy")


def test_damaged_npy(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((10, 10)))
    content = (tmp_path / "x.npy").read_bytes()
    for cut in (0, 5, 50, 128, len(content) - 1):
        (tmp_path / "x.npy").write_bytes(content[:cut])
        with pytest.raises(DataError, match=r"x.npy' cannot be read"):
            load(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("names", "labelled", "test"),
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
def test_npz_keys(tmp_path, names, labelled, test, save):
    x = np.random.default_rng(0).integers(0, 256, (6, 4, 4)).astype(np.uint8)
    save(
        tmp_path / "a.npz",
        **{n: np.arange(6) % 2 if n[0] in "yl" else np.asfortranarray(x) for n in names},
    )
    data = load(tmp_path / "a.npz")
    assert data.labelled == labelled and (data.test is not None) == test
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
def test_npz_keys_that_cannot_be(tmp_path, names):
    arrays: dict[str, Any] = {name: np.zeros((2, 2)) for name in names}
    np.savez(tmp_path / "a.npz", **arrays)
    held = ", ".join(sorted(names)) or "nothing"
    with pytest.raises(
        DataError,
        match=f"a.npz' holds {held}: allowed are x or x_train, one of y, y_train and labels",
    ):
        load(tmp_path / "a.npz")


def test_npz_with_labels_for_one_part_only(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 2)), y=np.arange(2), x_test=np.zeros((2, 2)))
    with pytest.raises(
        DataError, match="'a' has labels for one part only: label the test rows too, or no rows"
    ):
        load(tmp_path / "a.npz")


def member(shape, values=b"", descr="<f8", version=1):
    """The bytes of an .npy file with any header."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    write = {1: np.lib.format.write_array_header_1_0, 2: np.lib.format.write_array_header_2_0}[
        version
    ]
    write(file, header)
    return file.getvalue() + values


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            member((10**9, 10**9)),
            r"declares the shape \(1000000000, 1000000000\) of float64, but 0 bytes follow",
        ),
        (member((2, 2), bytes(31)), "but 31 bytes follow"),
        (member((2, 2), bytes(33)), "but 33 bytes follow"),
        (member((-1, -4), bytes(32)), r"declares the shape \(-1, -4\)"),
        (member((2,), descr="|O"), "never unpickled"),
        (member((10**12,), descr="<U0"), "it holds Python objects|cannot be read"),
        (b"", "cannot be read"),
        (b"\x93NUMPY\x09\x00", "format \\(9, 0\\) is not known"),
        (b"\x93NUMPY\x01\x00\x05\x00{((((", "cannot be read"),
    ],
)
def test_npz_members_that_lie(tmp_path, content, message):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(
        DataError, match=f"a.npz, array x.npy' cannot be read: .*({message})|{message}"
    ):
        load(tmp_path / "a.npz")


def test_second_header_version_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", member((2, 2), np.eye(2).tobytes(), version=2))
    assert np.array_equal(load(tmp_path / "a.npz").train.x, np.eye(2))


def test_npz_limit_is_checked_before_anything_is_read(tmp_path):
    from vaekit.data.readers.npz import read_npz

    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1000), b=np.zeros(1000))
    assert set(read_npz(tmp_path / "a.npz", "here", limit_bytes=17_000)) == {"a", "b"}
    with pytest.raises(DataError, match=r"'here' declares 16[0-9]* bytes, at most 16000 are read"):
        read_npz(tmp_path / "a.npz", "here", limit_bytes=16_000)


def test_text_that_is_no_text(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", member((1, 1), bytes(8)))
        archive.writestr("y.npy", member((1,), b"\xff\xff\xff\x7f", descr="<U1"))
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "a.npz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
@pytest.mark.filterwarnings("ignore")  # numpy warns of headers that look like those of Python 2
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_damaged_bytes_never_end_in_a_foreign_error(tmp_path, kind, data):
    file = io.BytesIO()
    x = np.arange(40.0).reshape(4, 10)
    np.save(file, x) if kind == "npy" else np.savez_compressed(
        file, x=x, y=np.array(["a", "b", "a", "b"])
    )
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content)
    refusal = ""
    try:
        load(path)
    except DataError as error:
        refusal = str(error)
    assert "\n" not in refusal
