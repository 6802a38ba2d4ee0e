"""Datasets that are downloaded: their files, on this machine or not, complete or damaged."""

import errno
import gzip
import hashlib
import io
import os
import shutil
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from raising import raises
from vaekit.data import describe, load
from vaekit.data.cache import cache_folder
from vaekit.data.readers import cifar10, dsprites, fashion_mnist
from vaekit.data.remote_file import RemoteFile
from vaekit.errors import ConfigError, DataError, DiskError, NetworkError

RNG = np.random.default_rng(0)
UNREACHABLE = "http://127.0.0.1:9/"  # the discard port, which nothing listens on
READERS = {"cifar10": cifar10, "dsprites": dsprites, "fashion-mnist": fashion_mnist}


def md5(content):
    return hashlib.md5(content).hexdigest()


def where(name):
    return next(described["where"] for described in describe() if described["name"] == name)


def register(monkeypatch, name, contents, base=UNREACHABLE):
    """Replace the files of a named dataset by these contents by name, hashed decompressed."""
    files = tuple(remote(file, content, base) for file, content in contents.items())
    monkeypatch.setattr(READERS[name], "FILES", files)


def remote(name, content, base):
    plain = content
    if name.endswith(".gz") and not name.endswith(".tar.gz"):
        plain = gzip.decompress(content)
    return RemoteFile(name, md5(plain), max(len(plain), len(content)), (f"{base}{name}",))


def put(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def local(tmp_path, monkeypatch, cache):
    """$VAEKIT_DATA."""
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


# --- All datasets --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", [file for reader in READERS.values() for file in reader.FILES], ids=lambda f: f.name
)
def test_remote_files_are_well_formed(file):
    assert len(file.md5) == 32 and int(file.md5, 16) and file.size < 2**28
    parts = [urlsplit(address) for address in file.addresses]
    assert len(set(parts)) >= 2
    for part in parts:
        assert part.scheme in ("http", "https") and Path(part.path).name == file.name


def test_cache_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the standard ignores relative paths
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder("x") == Path("/home/ann/.cache/vaekit/x")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder("x") == Path("/home/ann/Library/Caches/vaekit/x")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/Local")
    assert cache_folder("x") == Path("/Local/vaekit/x")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder("x") == Path("/elsewhere/vaekit/x")


@pytest.mark.parametrize("name", sorted(READERS))
def test_files_that_cannot_be_downloaded_are_named(name, cache, monkeypatch):
    files = READERS[name].FILES
    register(monkeypatch, name, {file.name: gzip.compress(b"") for file in files})
    with pytest.raises(NetworkError) as caught:
        load(name)
    message = str(caught.value)
    assert caught.value.parameter == "data" and "\n" not in message
    assert all(file.name in message for file in files)
    assert f"$VAEKIT_DATA/{name}" in message and str(cache / name) in message
    assert where(name) == "downloaded on first use"


@pytest.mark.parametrize("name", sorted(READERS))
def test_options_of_files_are_refused_before_anything_is_downloaded(name, cache):
    with raises(ConfigError, "group"):
        load(name, group="folder")
    assert not cache.exists()


# --- Fashion-MNIST -------------------------------------------------------------------------------


def idx(x):
    return bytes([0, 0, 8, x.ndim]) + struct.pack(f">{x.ndim}I", *x.shape) + x.tobytes()


@pytest.fixture
def fashion(monkeypatch):
    """Four files of 20 and 10 images, every class in order."""
    arrays = {
        "train-images-idx3-ubyte": RNG.integers(0, 256, (20, 28, 28), np.uint8),
        "train-labels-idx1-ubyte": np.arange(20, dtype=np.uint8) % 10,
        "t10k-images-idx3-ubyte": RNG.integers(0, 256, (10, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte": np.arange(10, dtype=np.uint8)[::-1].copy(),
    }
    contents = {f"{name}.gz": gzip.compress(idx(array)) for name, array in arrays.items()}
    register(monkeypatch, "fashion-mnist", contents)
    return contents


def test_fashion_mnist_labels_have_their_names(local, fashion):
    put(local / "fashion-mnist", fashion)
    data = load("fashion-mnist")
    assert data.name == "fashion-mnist" and data.shape == (1, 28, 28)
    assert str(data.support) == "integers:256" and len(data.classes) == 10
    assert data.classes[0] == "T-shirt/top" and data.classes[9] == "Ankle boot"
    assert data.train.y is not None and data.train.y.tolist() == [*range(10)] * 2
    assert data.test is not None and data.test.y is not None
    assert data.test.y.tolist() == [*range(9, -1, -1)]


def compressed_differently(content):
    return gzip.compress(gzip.decompress(content), 1, mtime=3)


@pytest.mark.parametrize("change", [gzip.decompress, compressed_differently])
def test_fashion_mnist_may_be_compressed_differently(
    local, fashion, change: Callable[[bytes], bytes]
):
    changed = {name.removesuffix(".gz"): change(content) for name, content in fashion.items()}
    put(local / "fashion-mnist", changed)
    assert len(load("fashion-mnist").train) == 20 and where("fashion-mnist") == "on this machine"


def test_missing_files_are_downloaded_once(local, fashion, server, monkeypatch, cache):
    first, *others = fashion
    put(local / "fashion-mnist", {first: fashion[first]})
    for name in others:
        server.offer(f"/{name}", fashion[name])
    register(monkeypatch, "fashion-mnist", fashion, f"http://127.0.0.1:{server.server_port}/")
    assert where("fashion-mnist") == "downloaded on first use"
    fingerprint = load("fashion-mnist").fingerprint()
    assert load("fashion-mnist").fingerprint() == fingerprint
    assert where("fashion-mnist") == "on this machine"
    assert [path for path, _ in server.log] == [f"/{name}" for name in others]
    cached = sorted(path.name for path in (cache / "fashion-mnist").iterdir())
    assert cached == sorted([".lock", *others])
    assert [path.name for path in (local / "fashion-mnist").iterdir()] == [first]


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(idx(np.zeros((20, 28, 28), np.uint8)), mtime=0),
        gzip.compress(idx(np.zeros((21, 28, 28), np.uint8)), mtime=0),
        gzip.compress(b"<html>", mtime=0),
        b"<html>",
        b"",
    ],
)
def test_damaged_fashion_mnist_is_refused(local, fashion, content):
    put(local / "fashion-mnist", fashion | {"train-images-idx3-ubyte.gz": content})
    with raises(DataError, "data"):
        load("fashion-mnist")


# --- CIFAR-10 ------------------------------------------------------------------------------------

PREFIX = "cifar-10-batches-bin/"


def packed(contents):
    """A gzipped tar of `contents`, by name; a str is the target of a link."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def cifar(monkeypatch):
    """Six files of three images each; the labels count up from 0."""
    batches = RNG.integers(0, 256, (6, 3, 3073), np.uint8)
    batches[:, :, 0] = np.arange(18).reshape(6, 3) % 10
    contents = {name: batch.tobytes() for name, batch in zip(cifar10.MD5, batches, strict=True)}
    monkeypatch.setattr(cifar10, "FILE_BYTES", 3 * 3073)
    for name, content in contents.items():
        monkeypatch.setitem(cifar10.MD5, name, md5(content))
    archive = packed({f"{PREFIX}{name}": content for name, content in contents.items()})
    register(monkeypatch, "cifar10", {"cifar-10-binary.tar.gz": archive})
    return contents


def check_cifar(contents):
    data = load("cifar10")
    assert data.shape == (3, 32, 32) and len(data.train) == 15 and data.classes[6] == "frog"
    assert data.train.y is not None and data.train.y.tolist() == [i % 10 for i in range(15)]
    assert data.test is not None and data.test.y is not None and data.test.y.tolist() == [5, 6, 7]
    second = np.frombuffer(contents["data_batch_2.bin"], np.uint8)[3073 : 2 * 3073]
    blue = second[1 + 2048 :].reshape(32, 32)
    assert np.array_equal(data.train.x[4, 2], blue)


def test_cifar10_from_six_files(local, cifar):
    put(local / "cifar10", cifar)
    check_cifar(cifar)
    assert where("cifar10") == "on this machine"


def test_cifar10_from_its_archive(local, cifar):
    members = {"../../escaped": b"x", "/escaped": b"x", f"{PREFIX}readme.html": b"x"}
    members |= {f"{PREFIX}{name}": content for name, content in cifar.items()}
    put(local / "cifar10", {"cifar-10-binary.tar.gz": packed(members)})
    check_cifar(cifar)
    assert where("cifar10") == "on this machine"
    files = [path.name for path in local.parent.rglob("*") if path.is_file()]
    assert files == ["cifar-10-binary.tar.gz"]


def test_cifar10_is_downloaded_as_its_archive(cifar, cache, server, monkeypatch):
    archive = packed({f"{PREFIX}{name}": content for name, content in cifar.items()})
    server.offer("/cifar-10-binary.tar.gz", archive)
    base = f"http://127.0.0.1:{server.server_port}/"
    register(monkeypatch, "cifar10", {"cifar-10-binary.tar.gz": archive}, base)
    check_cifar(cifar)
    assert (cache / "cifar10/cifar-10-binary.tar.gz").read_bytes() == archive


def test_damaged_cifar10_files_are_named(local, cifar):
    content = cifar["test_batch.bin"]
    for damaged in (content[:-1], content + b"x", bytes(9219)):
        put(local / "cifar10", cifar | {"test_batch.bin": damaged})
        with pytest.raises(DataError) as caught:
            load("cifar10")
        assert caught.value.parameter == "data" and "test_batch.bin" in str(caught.value)


def test_hostile_cifar10_archives_are_refused(local, cifar):
    inside = {f"{PREFIX}{name}": content for name, content in cifar.items()}
    name = f"{PREFIX}test_batch.bin"
    for content in (
        packed(inside)[:-100],
        b"",
        packed({}),
        packed(inside | {name: "/etc/passwd"}),
        packed(inside | {name: bytes(10**6)}),
        packed(inside | {name: bytes(9219)}),
        gzip.compress(bytes(2**28 + 1), 1, mtime=0),
    ):
        put(local / "cifar10", {"cifar-10-binary.tar.gz": content})
        with raises(DataError, "data"):
            load("cifar10")


# --- dSprites ------------------------------------------------------------------------------------

NPZ = dsprites.FILE_NAME


@pytest.fixture
def sprites(monkeypatch):
    """An .npz in the official format, of 6 images: 2 of each shape."""
    file = io.BytesIO()
    images = RNG.integers(0, 2, (6, 64, 64), np.uint8)
    metadata = np.array({"pickled": "never opened"}, dtype=object)
    np.savez_compressed(file, allow_pickle=True, metadata=metadata, imgs=images)
    monkeypatch.setattr(dsprites, "SHAPE", images.shape)
    register(monkeypatch, "dsprites", {NPZ: file.getvalue()})
    return file.getvalue(), images


def test_dsprites_is_unpacked_once_and_mapped(local, sprites, cache):
    content, images = sprites
    put(local / "dsprites", {NPZ: content})
    data = load("dsprites")
    assert isinstance(data.train.x, np.memmap) and not data.train.x.flags.writeable
    assert data.train.x.dtype == bool
    assert data.shape == (1, 64, 64) and str(data.support) == "binary" and data.test is None
    assert np.array_equal(data.train.x[:, 0], images)
    assert data.classes == ("square", "ellipse", "heart")
    assert data.train.y is not None and data.train.y.tolist() == [0, 0, 1, 1, 2, 2]
    assert sorted(path.name for path in (cache / "dsprites").iterdir()) == [".lock", "images.npy"]
    (local / "dsprites" / NPZ).unlink()
    assert load("dsprites").fingerprint() == data.fingerprint()
    assert where("dsprites") == "on this machine"


def test_another_npz_than_the_official_one_is_refused(local, sprites, cache):
    put(local / "dsprites", {NPZ: sprites[0] + b"x"})
    with pytest.raises(DataError) as caught:
        load("dsprites")
    assert md5(sprites[0]) in str(caught.value)
    assert not (cache / "dsprites").exists()


def test_an_npz_without_images_is_refused(local, monkeypatch, sprites, cache):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("other.npy", b"")
    register(monkeypatch, "dsprites", {NPZ: file.getvalue()})
    put(local / "dsprites", {NPZ: file.getvalue()})
    with raises(DataError, "data"):
        load("dsprites")
    assert [path.name for path in (cache / "dsprites").iterdir()] == [".lock"]


def test_too_little_space_to_unpack_is_noticed_before(local, sprites, cache, monkeypatch):
    put(local / "dsprites", {NPZ: sprites[0]})
    usage = shutil.disk_usage(local)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000))
    with raises(DiskError):
        load("dsprites")
    assert [path.name for path in (cache / "dsprites").iterdir()] == [".lock"]


def test_a_full_disk_while_unpacking_leaves_no_file(local, sprites, cache, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    put(local / "dsprites", {NPZ: sprites[0]})
    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", fail)
    with raises(DiskError):
        load("dsprites")
    assert [path.name for path in (cache / "dsprites").iterdir()] == [".lock"]


def test_damaged_unpacked_images_are_refused(local, sprites, cache):
    put(local / "dsprites", {NPZ: sprites[0]})
    load("dsprites")
    path = cache / "dsprites/images.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with raises(DataError, "data"):
        load("dsprites")
    np.save(path, np.zeros((6, 64, 64), np.uint8))
    with raises(DataError, "data"):
        load("dsprites")


def test_a_damaged_download_is_replaced_by_that_of_the_next_mirror(
    cache, sprites, server, monkeypatch
):
    register(monkeypatch, "dsprites", {NPZ: sprites[0]}, f"http://127.0.0.1:{server.server_port}/")
    (file,) = dsprites.FILES
    second = server.offer("/b", sprites[0])
    files = (replace(file, addresses=(*file.addresses, second)),)
    monkeypatch.setattr(dsprites, "FILES", files)
    server.offer(f"/{NPZ}", sprites[0][:-1] + b"x")
    assert len(load("dsprites").train) == 6
    assert [path for path, _ in server.log] == [f"/{NPZ}", "/b"]
