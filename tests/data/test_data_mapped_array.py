"""A memory-mapped file that becomes shorter ends nothing but the work on it."""

import os
import warnings

import numpy as np
import pytest

import vaekit
from raising import raises
from vaekit.data.readers.npz import map_npy
from vaekit.errors import DataError


@pytest.fixture
def path(tmp_path):
    """An .npy file of 1,000 examples."""
    np.save(tmp_path / "x.npy", np.arange(64_000, dtype=np.float32).reshape(1000, 8, 8) % 2)
    return tmp_path / "x.npy"


INDICES = {"row": 999, "slice": slice(990, 1000), "list": [0, 999], "mask": np.arange(1000) > 998}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_parts_equal_those_of_the_array(path, index):
    part = map_npy(path)[index]
    assert np.array_equal(part, np.load(path)[index])
    if not isinstance(index, int | slice):
        assert type(part) is np.ndarray  # a copy, which needs no file


@pytest.mark.parametrize("shape", [(2**62, 8), (2**32, 2**32), (2**63,), (1001, 8, 8), (10**90, 9)])
def test_a_header_that_declares_more_than_the_file_has(path, shape):
    content = path.read_bytes()
    old = b"'shape': (1000, 8, 8), }"
    new = f"'shape': {shape}, }}".encode()
    start = content.index(old)
    header = content[start:128].replace(old, new).rstrip()
    path.write_bytes(content[:start] + header.ljust(127 - start) + b"\n" + content[128:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with raises(DataError):
            map_npy(path)


def test_a_shortened_file(path):
    data = vaekit.load_data(path)
    view = data.train.x[500:]
    os.truncate(path, 10_000)
    for part in (lambda: data.train.x[999], lambda: view[0], lambda: data.train.select([999])):
        with raises(DataError, "data"):
            part()


def test_a_replaced_file_is_read_as_it_was(path, tmp_path):
    mapped = map_npy(path)
    np.save(tmp_path / "y.npy", np.zeros(3))
    (tmp_path / "y.npy").replace(path)
    assert mapped[999].sum() == 32


def test_a_file_of_python_2_prints_nothing(path):
    old, new = b"(1000, 8, 8), }  ", b"(1000L, 8, 8), } "
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert map_npy(path).shape == (1000, 8, 8)
