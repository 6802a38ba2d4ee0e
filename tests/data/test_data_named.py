"""Named datasets of the package, and the descriptions of all."""

import gzip
import hashlib
import shutil

import numpy as np
import pytest

from raising import raises
from vaekit.data import NAMES, describe, load
from vaekit.data.readers import mnist
from vaekit.errors import DataError


@pytest.fixture(scope="module")
def data():
    return load("mnist")


def test_mnist_facts(data):
    assert (len(data.train), len(data.test), data.shape) == (60_000, 10_000, (1, 28, 28))
    assert data.train.x.dtype == np.uint8 and str(data.support) == "integers:256"
    assert data.classes == tuple("0123456789") and data.name == "mnist"


def test_mnist_counts(data):
    counts = np.bincount(data.test.y)
    assert counts.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.train.x[0].max() == 255 and data.train.x[0].min() == 0


def test_the_notice_of_mnist_lists_the_checksums():
    notice = (mnist.FOLDER / "NOTICE").read_text()
    assert all(f"{md5}  {name}" in notice for name, md5 in mnist.MD5.items())
    assert "https://creativecommons.org/licenses/by-sa/3.0/" in notice


@pytest.fixture
def copy(tmp_path, monkeypatch):
    folder = tmp_path / "mnist"
    shutil.copytree(mnist.FOLDER, folder)
    monkeypatch.setattr(mnist, "FOLDER", folder)
    return folder


def test_one_changed_pixel_is_noticed(copy):
    path = copy / "t10k-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[1000] ^= 1
    path.write_bytes(gzip.compress(content, 1))
    digest = mnist.MD5["t10k-images-idx3-ubyte"]
    with pytest.raises(DataError) as caught:
        load("mnist")
    assert caught.value.parameter == "data" and digest in str(caught.value)


def test_mnist_may_be_compressed_differently(copy):
    path = copy / "t10k-labels-idx1-ubyte.gz"
    content = gzip.decompress(path.read_bytes())
    assert hashlib.md5(content).hexdigest() == mnist.MD5["t10k-labels-idx1-ubyte"]
    path.write_bytes(gzip.compress(content, 1, mtime=7))
    assert len(load("mnist").classes) == 10


def test_a_missing_file_is_refused(copy):
    (copy / "train-labels-idx1-ubyte.gz").unlink()
    with raises(DataError, "data"):
        load("mnist")


def test_digits_facts():
    digits = load("digits")
    assert (len(digits.train), digits.test, digits.shape) == (1797, None, (1, 8, 8))
    assert digits.train.x.dtype == np.uint8 and digits.train.x.max() == 16
    assert str(digits.support) == "integers:17" and digits.classes == tuple("0123456789")
    assert digits.train.y is not None
    assert np.bincount(digits.train.y)[:3].tolist() == [178, 182, 177]


def check_description(name):
    described = next(each for each in describe() if each["name"] == name)
    data = load(name)
    assert described["shape"] == data.shape and described["support"] == str(data.support)
    assert described["classes"] == len(data.classes)
    assert described["train"] == len(data.train)
    assert described["test"] == (len(data.test) if data.test else 0)
    for field in ("source", "license"):
        assert described[field] and "\n" not in described[field]


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_descriptions_are_true(name):
    check_description(name)


@pytest.mark.nightly
def test_descriptions_of_all_datasets_on_this_machine_are_true():
    for name, named in NAMES.items():
        if named.where != "downloaded on first use":
            check_description(name)


def test_describing_reads_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(mnist, "FOLDER", tmp_path)
    assert [described["name"] for described in describe()] == sorted(NAMES)
