"""Shards: tar files that are read, streamed or refused."""

import functools
import gzip
import http.server
import pickle
import shutil
import tarfile
import threading

import numpy as np
import pytest

from conftest import small_images
from raising import raises
from tar_fixtures import npy, png, write_shards, write_tar
from vaekit.data import load
from vaekit.data.readers.shards import expand_shards
from vaekit.errors import ConfigError, DataError

pytest.importorskip("webdataset", reason="shards need webdataset")

DATA = small_images(examples=90)
LAST = DATA.train.select(np.arange(60, 90))


def test_one_shard_is_read_completely(tmp_path):
    write_shards(tmp_path, DATA.train, 1)
    data = load(tmp_path / "part-0.tar")
    assert np.array_equal(data.train.x, DATA.train.x) and np.array_equal(data.train.y, DATA.train.y)
    assert data.classes == ("0", "1", "2") and data.stream is None and data.name == "part-0"


def test_the_last_of_several_shards_is_held_out_and_the_others_are_streamed(tmp_path):
    data = load(write_shards(tmp_path, DATA.train))
    assert np.array_equal(data.train.x, LAST.x) and np.array_equal(data.train.y, LAST.y)
    samples = list(data.stream.samples([1, 0]))
    assert [sample.name for sample in samples[:2]] == ["part-1.tar: 0030", "part-1.tar: 0031"]
    expected = [png(DATA.train.x[index]) for index in (*range(30, 60), *range(30))]
    assert [sample.content for sample in samples] == expected
    assert data.stream.count() == 60 and len(data.stream) == 2


def test_arrays_are_npy(tmp_path):
    x = np.random.default_rng(0).normal(size=(5, 7)).astype("float32")
    write_tar(tmp_path / "x.tar", {f"{i}.npy": npy(example) for i, example in enumerate(x)})
    data = load(tmp_path / "x.tar")
    assert np.array_equal(data.train.x, x) and data.shape == (7,) and not data.labeled


def test_other_files_are_ignored(tmp_path):
    files = {
        "README.md": b"words",
        "0.png": png(DATA.train.x[0]),
        "0.json": b"{}",
        "__meta__/x.png": b"",
        "._0.png": b"",
    }
    write_tar(tmp_path / "a.tar", files)
    assert len(load(tmp_path / "a.tar").train) == 1
    write_tar(tmp_path / "b.tar", {**files, "1.png": png(DATA.train.x[1])})
    assert load(str(tmp_path / "{b,a}.tar")).stream.count() == 2


def test_images_are_resized_and_the_fingerprint_depends_on_the_files(tmp_path):
    where = write_shards(tmp_path, DATA.train)
    assert load(where, resize=(4, 4)).shape == (1, 4, 4)
    before = load(where).fingerprint()
    assert load(where).fingerprint() == before
    write_tar(tmp_path / "part-0.tar", {f"{i}.png": png(DATA.train.x[0]) for i in range(200)})
    assert load(where).fingerprint() != before


@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": b""},
        {"a.png": b"x", "a.jpg": b"x"},
        {"a.png": png(DATA.train.x[0]), "b.npy": npy(np.zeros(3))},
        {"a.npy": npy(np.zeros(3)), "b.npy": npy(np.zeros(4))},
        {"a.npy": npy(np.zeros(3)), "b.npy": npy(np.zeros(3, np.float32))},
        {"a.png": b"no image"},
        {"a.npy": pickle.dumps(print)},
        {"a.png": png(DATA.train.x[0]), "a.cls": b"1", "b.png": png(DATA.train.x[0])},
        {"a.png": png(DATA.train.x[0]), "a.cls": b"\xff"},
        {"a.png": png(DATA.train.x[0]), "b.png": png(DATA.train.x[0]), "a.cls": b"1"},
    ],
)
def test_shards_without_examples_of_one_kind_are_refused(tmp_path, files):
    write_tar(tmp_path / "x.tar", files)
    with raises(DataError, "data"):
        load(tmp_path / "x.tar")


def test_images_of_two_sizes_are_refused(tmp_path):
    images = {"a.png": png(DATA.train.x[0]), "b.png": png(DATA.train.x[0][:, :4])}
    write_tar(tmp_path / "x.tar", images)
    with raises(DataError, "resize"):
        load(tmp_path / "x.tar")


@pytest.mark.parametrize("offset", [20, 0, -100, -512])
def test_a_truncated_shard_is_refused_wherever_it_ends(tmp_path, offset):
    write_shards(tmp_path, DATA.train, 1)
    with tarfile.open(tmp_path / "part-0.tar") as tar:
        end = tar.getmembers()[50].offset_data + offset
    (tmp_path / "part-0.tar").write_bytes((tmp_path / "part-0.tar").read_bytes()[:end])
    with raises(DataError, "data"):
        load(tmp_path / "part-0.tar")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("pipe:touch ran; cat x.tar", DataError),
        ("file:///etc/x.tar", DataError),
        ("missing-{0..3}.tar", DataError),
        ("x-{0..99999999999}.tar", ConfigError),
        ("x-{0..999}{0..999}.tar", ConfigError),
        ("x-{0..3.tar", DataError),
    ],
)
def test_other_names_of_shards_are_refused(tmp_path, monkeypatch, source, error):
    monkeypatch.chdir(tmp_path)
    with raises(error, "data"):
        load(source)
    assert not list(tmp_path.iterdir())


def test_compressed_shards_are_read(tmp_path):
    write_shards(tmp_path, DATA.train, 1)
    (tmp_path / "part-0.tar.gz").write_bytes(gzip.compress((tmp_path / "part-0.tar").read_bytes()))
    assert np.array_equal(load(tmp_path / "part-0.tar.gz").train.x, DATA.train.x)


def test_shards_are_refused_without_webdataset(tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.data.readers.shards.find_spec", lambda name: None)
    with raises(ConfigError, "data"):
        load(write_shards(tmp_path, DATA.train))


def test_a_test_part_is_one_shard(tmp_path):
    where = write_shards(tmp_path, DATA.train)
    assert len(load(where, test=tmp_path / "part-0.tar").test) == 30
    with raises(DataError, "test"):
        load(where, test=where)


@pytest.mark.process
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_shards_on_the_web(tmp_path):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None
    write_shards(tmp_path, DATA.train)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        data = load(f"http://127.0.0.1:{server.server_port}/part-{{0..2}}.tar")
        assert np.array_equal(data.train.x, LAST.x)
        assert len(list(data.stream.samples([0, 1]))) == 60
        with raises(ConfigError, "data.train_size"):
            data.stream.count()
        with raises(DataError, "data"):
            load(f"http://127.0.0.1:{server.server_port}/missing-{{0..2}}.tar")
        server.shutdown()


def test_an_address_without_curl_is_refused(monkeypatch):
    monkeypatch.setattr("vaekit.data.readers.shards.which", lambda name: None)
    with raises(ConfigError, "data"):
        expand_shards("https://example.org/x-{0..2}.tar")
