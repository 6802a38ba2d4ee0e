import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from vaekit.data.readers.idx import read_idx

from vaekit.data import load
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
    refusal = ""
    try:
        read_idx(path, limit_bytes=2**20)
    except DataError as error:
        refusal = str(error)
    assert not refusal or (str(path) in refusal and "\n" not in refusal)


@SHARED_FOLDER
@given(st.data())
def test_damaged_gzip_is_never_taken_for_whole(tmp_path, data):
    whole = gzip.compress(idx_bytes(np.arange(200, dtype=np.uint8).reshape(2, 10, 10)), mtime=0)
    cut = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path / "x.gz"
    path.write_bytes(whole[:cut])
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(path)


GOOD = idx_bytes(np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it starts with the bytes , IDX starts with 00 00"),
        (b"\x89PNG....", "it starts with the bytes 89 50 4e 47, IDX starts with"),
        (b"\0\0\x0a\x01\0\0\0\0", "it starts with the bytes 00 00 0a 01"),
        (b"\0\0\x08\0", "it starts with the bytes 00 00 08 00"),
        (GOOD[:7], "it is truncated within the 2 dimensions of its header"),
        (GOOD[:-1], "it is truncated, 5 of the 6 bytes that its header declares"),
        (GOOD + b"x", "it goes on after the 6 bytes that its header declares"),
        (
            header("f8", (2**32 - 1, 2**32 - 1)),
            "it declares 147573952520956936200 bytes, at most 8589934592 are read",
        ),
        (gzip.compress(GOOD, mtime=0)[:-9], "ended before"),
        (gzip.compress(GOOD, mtime=0) + b"junk", "Not a gzipped file"),
        (gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8, "CRC check failed"),
    ],
)
def test_damaged_files(tmp_path, content, message):
    path = tmp_path / "x.idx"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"x.idx' cannot be read: .*{message}"):
        read_idx(path)


def test_nothing_beyond_what_is_declared_is_decompressed(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(header("u1", (2, 3)) + bytes(2**27)))
    tracemalloc.start()
    with pytest.raises(DataError, match="it goes on after the 6 bytes"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


def test_limit_is_checked_before_reading(tmp_path):
    path = tmp_path / "x.idx"
    path.write_bytes(GOOD)
    assert read_idx(path, limit_bytes=6).shape == (2, 3)
    with pytest.raises(DataError, match="it declares 6 bytes, at most 5 are read"):
        read_idx(path, limit_bytes=5)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match=r"x.idx' cannot be read: No such file"):
        read_idx(tmp_path / "x.idx")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_idx(tmp_path)


def write_four(folder, ending="", train="train", test="t10k"):
    rng = np.random.default_rng(0)
    for part, rows in ((train, 6), (test, 3)):
        x, y = rng.integers(0, 256, (rows, 4, 5)), np.arange(rows) % 3
        for name, array in ((f"{part}-images-idx3-ubyte", x), (f"{part}-labels-idx1-ubyte", y)):
            content = idx_bytes(array.astype(np.uint8))
            (folder / f"{name}{ending}").write_bytes(
                gzip.compress(content, mtime=0) if ending else content
            )


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_labels_and_test_part_lie_beside(tmp_path, ending):
    write_four(tmp_path, ending)
    data = load(tmp_path / f"train-images-idx3-ubyte{ending}")
    assert (
        data.shape == (1, 4, 5)
        and data.classes == ("0", "1", "2")
        and str(data.support) == "integers:256"
    )
    assert data.test is not None and len(data.train) == 6 and len(data.test) == 3
    folder = load(tmp_path)
    assert folder.fingerprint() == data.fingerprint() and folder.name == tmp_path.name


def test_other_common_names(tmp_path):
    write_four(tmp_path, ".gz", "emnist-train", "emnist-test")
    data = load(tmp_path / "emnist-train-images-idx3-ubyte.gz")
    assert data.test is not None and data.labelled


def test_test_images_alone_have_labels_and_no_test_part(tmp_path):
    write_four(tmp_path)
    data = load(tmp_path / "t10k-images-idx3-ubyte")
    assert data.test is None and data.labelled and len(data.train) == 3


def test_one_file_alone(tmp_path):
    (tmp_path / "faces.idx").write_bytes(idx_bytes(np.zeros((2, 3, 3), np.float32)))
    data = load(tmp_path / "faces.idx")
    assert (
        data.name == "faces"
        and data.test is None
        and not data.labelled
        and str(data.support) == "unit"
    )


def test_labels_of_another_length(tmp_path):
    write_four(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(5, np.uint8)))
    with pytest.raises(DataError, match=r"labels of shape \(5,\) for 6 rows: one label a row"):
        load(tmp_path)
