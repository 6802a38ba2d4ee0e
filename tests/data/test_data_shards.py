"""Rows in tar files: what is read, what is streamed, what is refused."""

import functools
import gzip
import http.server
import pickle
import shutil
import tarfile
import threading

import numpy as np
import pytest
from vaekit.data.readers.shards import expand

from conftest import small_images
from tar_fixtures import npy, png, write_shards, write_tar
from vaekit.data import load
from vaekit.errors import ConfigError, DataError

pytest.importorskip("webdataset", reason="shards need webdataset")

DATA = small_images(rows=90)
LAST = DATA.train.select(np.arange(60, 90))


def test_one_shard_is_read_whole(tmp_path):
    write_shards(tmp_path, DATA.train, 1)
    data = load(tmp_path / "part-0.tar")
    assert np.array_equal(data.train.x, DATA.train.x) and np.array_equal(data.train.y, DATA.train.y)
    assert data.classes == ("0", "1", "2") and data.stream is None and data.name == "part-0"


def test_of_several_the_last_is_set_aside_and_the_others_are_streamed(tmp_path):
    data = load(write_shards(tmp_path, DATA.train))
    assert np.array_equal(data.train.x, LAST.x) and np.array_equal(data.train.y, LAST.y)
    found = list(data.stream.samples([1, 0]))
    assert [sample.name for sample in found[:2]] == ["part-1.tar: 0030", "part-1.tar: 0031"]
    assert [sample.file for sample in found] == [
        png(DATA.train.x[row]) for row in (*range(30, 60), *range(30))
    ]
    assert data.stream.count() == 60


def test_numbers_are_npy(tmp_path):
    x = np.random.default_rng(0).normal(size=(5, 7)).astype("float32")
    write_tar(tmp_path / "rows.tar", {f"{i}.npy": npy(row) for i, row in enumerate(x)})
    data = load(tmp_path / "rows.tar")
    assert np.array_equal(data.train.x, x) and data.shape == (7,) and not data.labelled


def test_what_is_no_row_is_passed_over(tmp_path):
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


def test_images_are_resized_and_a_streams_fingerprint_is_that_of_its_files(tmp_path):
    where = write_shards(tmp_path, DATA.train)
    assert load(where, resize=(4, 4)).shape == (1, 4, 4)
    before = load(where).fingerprint()
    assert load(where).fingerprint() == before
    write_tar(tmp_path / "part-0.tar", {f"{i}.png": png(DATA.train.x[0]) for i in range(200)})
    assert load(where).fingerprint() != before


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": b""}, "holds no rows: each is a .npy or an image"),
        (
            {"a.png": b"x", "a.jpg": b"x"},
            r"'x.tar: a' has 2 files \(jpg, png\): a row is one .npy or image; its name ends at its first dot",
        ),
        (
            {"a.png": png(DATA.train.x[0]), "b.npy": npy(np.zeros(3))},
            "mixed: give one or the other",
        ),
        (
            {"a.npy": npy(np.zeros(3)), "b.npy": npy(np.zeros(4))},
            r"'x.tar: b.npy' is float64 \(4,\), 'x.tar: a.npy' float64",
        ),
        (
            {"a.png": png(DATA.train.x[0]), "b.png": png(DATA.train.x[0][:, :4])},
            "'x.tar: b.png' is 4x8",
        ),
        ({"a.png": b"no image"}, "'x.tar: a.png' cannot be read"),
        ({"a.npy": pickle.dumps(print)}, "'x.tar: a.npy' cannot be read"),
        (
            {"a.png": png(DATA.train.x[0]), "a.cls": b"1", "b.png": png(DATA.train.x[0])},
            "'x.tar: b' has no .cls, others have",
        ),
        ({"a.png": png(DATA.train.x[0]), "a.cls": b"\xff"}, "cannot be read"),
        (
            {"a.png": png(DATA.train.x[0]), "b.png": png(DATA.train.x[0]), "a.cls": b"1"},
            "the files of a row must follow each other",
        ),
    ],
)
def test_what_cannot_be_rows_is_refused(tmp_path, files, message):
    write_tar(tmp_path / "x.tar", files)
    with pytest.raises(DataError, match=message) as error:
        load(tmp_path / "x.tar")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("behind", [20, 0, -100, -512])
def test_a_truncated_shard_is_refused_wherever_it_ends(tmp_path, behind):
    write_shards(tmp_path, DATA.train, 1)
    with tarfile.open(tmp_path / "part-0.tar") as tar:
        end = tar.getmembers()[50].offset_data + behind
    (tmp_path / "part-0.tar").write_bytes((tmp_path / "part-0.tar").read_bytes()[:end])
    with pytest.raises(DataError, match=r"part-0.tar' is truncated, or no tar file"):
        load(tmp_path / "part-0.tar")


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("pipe:touch ran; cat x.tar", DataError, "shards are paths or addresses with http"),
        ("file:///etc/x.tar", DataError, "shards are paths or addresses with http"),
        ("gone-{0..3}.tar", DataError, "'gone-0.tar' is not there: shards are named as in"),
        ("x-{0..99999999999}.tar", ConfigError, "names more than 100,000 shards"),
        ("x-{0..999}{0..999}.tar", ConfigError, "names more than 100,000 shards"),
        ("x-{0..3.tar", DataError, "cannot be read"),
    ],
)
def test_what_names_no_shards_is_refused(tmp_path, monkeypatch, source, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        load(source)
    assert not list(tmp_path.iterdir())


def test_compressed_shards_are_read_too(tmp_path):
    write_shards(tmp_path, DATA.train, 1)
    (tmp_path / "part-0.tar.gz").write_bytes(gzip.compress((tmp_path / "part-0.tar").read_bytes()))
    assert np.array_equal(load(tmp_path / "part-0.tar.gz").train.x, DATA.train.x)


def test_without_webdataset_the_remedy_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.data.readers.shards.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'vaekit\[shards\]'"):
        load(write_shards(tmp_path, DATA.train))


def test_a_test_part_is_one_shard(tmp_path):
    where = write_shards(tmp_path, DATA.train)
    assert len(load(where, test=tmp_path / "part-0.tar").test) == 30
    with pytest.raises(
        DataError, match="are several shards, test rows are held in memory: give one"
    ):
        load(where, test=where)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the web is read by curl")
def test_shards_on_the_web(tmp_path):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None
    write_shards(tmp_path, DATA.train)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        data = load(f"http://127.0.0.1:{server.server_port}/part-{{0..2}}.tar")
        assert np.array_equal(data.train.x, LAST.x)
        assert len(list(data.stream.samples([0, 1]))) == 60
        with pytest.raises(ConfigError, match=r"shards on the web are not counted.*--limit"):
            data.stream.count()
        with pytest.raises(
            DataError, match="cannot be fetched: it is not there, or not for everybody"
        ):
            load(f"http://127.0.0.1:{server.server_port}/gone-{{0..2}}.tar")
        server.shutdown()


def test_an_address_without_curl_is_refused(monkeypatch):
    monkeypatch.setattr("vaekit.data.readers.shards.which", lambda name: None)
    with pytest.raises(ConfigError, match="is fetched by curl, which is not installed"):
        expand("https://example.org/x-{0..2}.tar")
