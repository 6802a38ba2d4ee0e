"""IDX files, plain and gzipped, complete and damaged."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from raising import raises
from vaekit.data import load
from vaekit.data.readers.idx import read_idx
from vaekit.errors import DataError

CODES = {"u1": 8, "i1": 9, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
SHARED_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def header(dtype, shape):
    return bytes([0, 0, CODES[dtype], len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def idx_bytes(x):
    return header(x.dtype.str[1:], x.shape) + x.astype(x.dtype.newbyteorder(">")).tobytes()


@SHARED_FOLDER
@given(
    st.sampled_from(sorted(CODES)).flatmap(
        lambda d: arrays.arrays(np.dtype(d), arrays.array_shapes(max_dims=4))
    ),
    st.booleans(),
)
def test_every_type_comes_back(tmp_path, x, gzipped):
    path = tmp_path / "x.idx"
    path.write_bytes(gzip.compress(idx_bytes(x)) if gzipped else idx_bytes(x))
    back = read_idx(path)
    assert back.dtype == x.dtype and back.dtype.isnative and back.flags.writeable
    assert back.shape == x.shape and back.tobytes() == x.tobytes()


@SHARED_FOLDER
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"\0\0\x08", b"\0\0\x0d\x02\0\0\0"]),
)
def test_random_bytes_never_end_in_a_foreign_error(tmp_path, content, start):
    path = tmp_path / "x.idx"
    path.write_bytes(start + content)
    message = ""
    try:
        read_idx(path, limit_bytes=2**20)
    except DataError as error:
        message = str(error)
    assert not message or (str(path) in message and "\n" not in message)


@SHARED_FOLDER
@given(st.data())
def test_truncated_gzip_is_refused(tmp_path, data):
    content = gzip.compress(idx_bytes(np.arange(200, dtype=np.uint8).reshape(2, 10, 10)), mtime=0)
    cut = data.draw(st.integers(0, len(content) - 1))
    path = tmp_path / "x.gz"
    path.write_bytes(content[:cut])
    with raises(DataError):
        read_idx(path)


GOOD = idx_bytes(np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG....",
        b"\0\0\x0a\x01\0\0\0\0",
        b"\0\0\x08\0",
        GOOD[:7],
        GOOD[:-1],
        GOOD + b"x",
        header("f8", (2**32 - 1, 2**32 - 1)),
        gzip.compress(GOOD, mtime=0)[:-9],
        gzip.compress(GOOD, mtime=0) + b"junk",
        gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8,
    ],
)
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "x.idx"
    path.write_bytes(content)
    with raises(DataError):
        read_idx(path)


def test_nothing_beyond_the_declared_size_is_decompressed(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(header("u1", (2, 3)) + bytes(2**27)))
    tracemalloc.start()
    with raises(DataError):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


def test_the_declared_size_is_limited(tmp_path):
    path = tmp_path / "x.idx"
    path.write_bytes(GOOD)
    assert read_idx(path, limit_bytes=6).shape == (2, 3)
    with raises(DataError):
        read_idx(path, limit_bytes=5)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "x.idx", tmp_path):
        with raises(DataError):
            read_idx(path)


def write_four(folder, ending="", train="train", test="t10k"):
    rng = np.random.default_rng(0)
    for part, count in ((train, 6), (test, 3)):
        x = rng.integers(0, 256, (count, 4, 5))
        y = np.arange(count) % 3
        for name, array in ((f"{part}-images-idx3-ubyte", x), (f"{part}-labels-idx1-ubyte", y)):
            content = idx_bytes(array.astype(np.uint8))
            (folder / f"{name}{ending}").write_bytes(
                gzip.compress(content, mtime=0) if ending else content
            )


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_labels_and_test_part_come_from_the_other_files(tmp_path, ending):
    write_four(tmp_path, ending)
    data = load(tmp_path / f"train-images-idx3-ubyte{ending}")
    assert data.shape == (1, 4, 5) and data.classes == ("0", "1", "2")
    assert str(data.support) == "integers:256"
    assert data.test is not None and len(data.train) == 6 and len(data.test) == 3
    folder = load(tmp_path)
    assert folder.fingerprint() == data.fingerprint() and folder.name == tmp_path.name


def test_other_common_names(tmp_path):
    write_four(tmp_path, ".gz", "emnist-train", "emnist-test")
    data = load(tmp_path / "emnist-train-images-idx3-ubyte.gz")
    assert data.test is not None and data.labeled


def test_test_images_alone_have_labels_and_no_test_part(tmp_path):
    write_four(tmp_path)
    data = load(tmp_path / "t10k-images-idx3-ubyte")
    assert data.test is None and data.labeled and len(data.train) == 3


def test_one_file_alone(tmp_path):
    (tmp_path / "faces.idx").write_bytes(idx_bytes(np.zeros((2, 3, 3), np.float32)))
    data = load(tmp_path / "faces.idx")
    assert data.name == "faces" and data.test is None and not data.labeled
    assert str(data.support) == "unit"


def test_another_number_of_labels_is_refused(tmp_path):
    write_four(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(5, np.uint8)))
    with raises(DataError, "data"):
        load(tmp_path)
