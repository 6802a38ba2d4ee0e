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
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from vaekit.data import cifar10, describe, dsprites, load
from vaekit.data.cache import cache_folder
from vaekit.data.registry import REMOTES
from vaekit.data.remote_file import RemoteFile
from vaekit.errors import ConfigError, DataError, OutputError

RNG = np.random.default_rng(0)
NOWHERE = "http://127.0.0.1:9/"  # the port of a service that nobody runs


def md5(content):
    return hashlib.md5(content).hexdigest()


def where(name):
    return next(row["where"] for row in describe() if row["name"] == name)


def register(monkeypatch, name, contents, base=NOWHERE):
    """Small files as those of a named dataset: contents by file name, hashed as they decompress."""

    def remote(file, content):
        plain = (
            gzip.decompress(content)
            if file.endswith(".gz") and not file.endswith(".tar.gz")
            else content
        )
        return RemoteFile(file, md5(plain), max(len(plain), len(content)), (f"{base}{file}",))

    monkeypatch.setitem(
        REMOTES, name, tuple(remote(file, content) for file, content in contents.items())
    )


def put(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def local(tmp_path, monkeypatch, cache):
    """$VAEKIT_DATA."""
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


# --- All of them ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "remote", [remote for remotes in REMOTES.values() for remote in remotes], ids=lambda r: r.name
)
def test_registry_is_well_formed(remote):
    assert len(remote.md5) == 32 and int(remote.md5, 16) and remote.size < 2**28
    parts = [urlsplit(address) for address in remote.addresses]
    assert len(set(parts)) >= 2
    assert all(
        part.scheme in ("http", "https") and Path(part.path).name == remote.name for part in parts
    )


def test_cache_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says the standard
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder("x") == Path("/home/ann/.cache/vaekit/x")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder("x") == Path("/home/ann/Library/Caches/vaekit/x")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/Local")
    assert cache_folder("x") == Path("/Local/vaekit/x")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder("x") == Path("/elsewhere/vaekit/x")


@pytest.mark.parametrize("name", sorted(REMOTES))
def test_missing_and_offline_is_one_line(name, cache, monkeypatch):
    register(monkeypatch, name, {remote.name: gzip.compress(b"") for remote in REMOTES[name]})
    files = ", ".join(remote.name for remote in REMOTES[name])
    with pytest.raises(DataError) as caught:
        load(name)
    assert str(caught.value) == (
        f"{name}: {REMOTES[name][0].name} cannot be downloaded (127.0.0.1:9 Connection refused): "
        f"put {files} into $VAEKIT_DATA/{name} or {cache / name}"
    )
    assert where(name) == "downloaded on first use"


@pytest.mark.parametrize("name", sorted(REMOTES))
def test_resize_is_refused_before_anything_is_downloaded(name, cache):
    with pytest.raises(ConfigError, match="resize is for image files only"):
        load(name, resize=(8, 8))
    assert not cache.exists()


# --- Fashion-MNIST --------------------------------------------------------------------------------------------------------


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
    assert (
        data.name == "fashion-mnist"
        and data.shape == (1, 28, 28)
        and str(data.support) == "integers:256"
    )
    assert (
        data.classes[0] == "T-shirt/top"
        and data.classes[9] == "Ankle boot"
        and len(data.classes) == 10
    )
    assert data.train.y is not None and data.train.y.tolist() == [*range(10)] * 2
    assert (
        data.test is not None
        and data.test.y is not None
        and data.test.y.tolist() == [*range(9, -1, -1)]
    )


@pytest.mark.parametrize(
    "change", [gzip.decompress, lambda content: gzip.compress(gzip.decompress(content), 1, mtime=3)]
)
def test_fashion_mnist_compressed_otherwise_or_not(local, fashion, change):
    put(
        local / "fashion-mnist",
        {n.removesuffix(".gz"): change(content) for n, content in fashion.items()},
    )
    assert len(load("fashion-mnist").train) == 20 and where("fashion-mnist") == "on this machine"


def test_what_is_in_no_folder_is_downloaded_once(local, fashion, server, monkeypatch, cache):
    first, *others = fashion
    put(local / "fashion-mnist", {first: fashion[first]})
    for name in others:
        server.offer(f"/{name}", fashion[name])
    register(monkeypatch, "fashion-mnist", fashion, f"http://127.0.0.1:{server.server_port}/")
    assert where("fashion-mnist") == "downloaded on first use"
    whole = load("fashion-mnist").fingerprint()
    assert (
        load("fashion-mnist").fingerprint() == whole and where("fashion-mnist") == "on this machine"
    )
    assert [path for path, _ in server.log] == [f"/{name}" for name in others]
    assert sorted(path.name for path in (cache / "fashion-mnist").iterdir()) == sorted(
        [".lock", *others]
    )
    assert [path.name for path in (local / "fashion-mnist").iterdir()] == [first]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            gzip.compress(idx(np.zeros((20, 28, 28), np.uint8)), mtime=0),
            "the md5 of its content is not",
        ),
        (
            gzip.compress(idx(np.zeros((21, 28, 28), np.uint8)), mtime=0),
            "it declares 16464 bytes, at most [0-9]+ are read",
        ),
        (gzip.compress(b"<html>", mtime=0), "it starts with the bytes 3c 68 74 6d"),
        (b"<html>", "it starts with the bytes 3c 68 74 6d"),
        (b"", "it starts with the bytes ,"),
    ],
)
def test_damaged_fashion_mnist(local, fashion, content, message):
    name = "train-images-idx3-ubyte.gz"
    put(local / "fashion-mnist", fashion | {name: content})
    with pytest.raises(
        DataError,
        match=f"{name}' cannot be read: .*{message}.*: replace the file, or remove it to have it",
    ):
        load("fashion-mnist")


# --- CIFAR-10 -------------------------------------------------------------------------------------------------------------

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
    rows = RNG.integers(0, 256, (6, 3, 3073), np.uint8)
    rows[:, :, 0] = np.arange(18).reshape(6, 3) % 10
    contents = {name: batch.tobytes() for name, batch in zip(cifar10.MD5, rows, strict=True)}
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
    blue = np.frombuffer(contents["data_batch_2.bin"], np.uint8)[
        3073 + 1 + 2048 : 2 * 3073
    ].reshape(32, 32)
    assert np.array_equal(data.train.x[4, 2], blue)


def test_cifar10_from_six_files(local, cifar):
    put(local / "cifar10", cifar)
    check_cifar(cifar)
    assert where("cifar10") == "on this machine"


def test_cifar10_from_its_archive(local, cifar):
    others = {"../../escaped": b"x", "/escaped": b"x", f"{PREFIX}readme.html": b"x"}
    put(
        local / "cifar10",
        {"cifar-10-binary.tar.gz": packed(others | {f"{PREFIX}{n}": c for n, c in cifar.items()})},
    )
    check_cifar(cifar)
    assert where("cifar10") == "on this machine"
    assert [path.name for path in local.parent.rglob("*") if path.is_file()] == [
        "cifar-10-binary.tar.gz"
    ]


def test_cifar10_is_downloaded_as_its_archive(cifar, cache, server, monkeypatch):
    archive = packed({f"{PREFIX}{name}": content for name, content in cifar.items()})
    server.offer("/cifar-10-binary.tar.gz", archive)
    register(
        monkeypatch,
        "cifar10",
        {"cifar-10-binary.tar.gz": archive},
        f"http://127.0.0.1:{server.server_port}/",
    )
    check_cifar(cifar)
    assert (cache / "cifar10/cifar-10-binary.tar.gz").read_bytes() == archive


def test_damaged_cifar10_files(local, cifar):
    for content, message in (
        (cifar["test_batch.bin"][:-1], "test_batch.bin has 9218 bytes, 9219 are needed"),
        (cifar["test_batch.bin"] + b"x", "test_batch.bin has more bytes, 9219 are needed"),
        (bytes(9219), f"the md5 of test_batch.bin is not {md5(cifar['test_batch.bin'])}"),
    ):
        put(local / "cifar10", cifar | {"test_batch.bin": content})
        with pytest.raises(
            DataError, match=f"cifar10' cannot be read: {message}: replace the file, or remove it"
        ):
            load("cifar10")


def test_hostile_cifar10_archives(local, cifar, monkeypatch):
    inside = {f"{PREFIX}{name}": content for name, content in cifar.items()}
    name = f"{PREFIX}test_batch.bin"
    for content, message in (
        (packed(inside)[:-100], "."),
        (b"", "."),
        (packed({}), "not found"),
        (packed(inside | {name: "/etc/passwd"}), "not found"),
        (packed(inside | {name: bytes(10**6)}), "test_batch.bin has more bytes"),
        (packed(inside | {name: bytes(9219)}), "the md5 of test_batch.bin is not"),
        (
            gzip.compress(bytes(2**28 + 1), 1, mtime=0),
            "it decompresses to more than 268435456 bytes",
        ),
    ):
        put(local / "cifar10", {"cifar-10-binary.tar.gz": content})
        with pytest.raises(
            DataError, match=f"tar.gz' cannot be read: .*{message}.*: replace the file, or"
        ) as caught:
            load("cifar10")
        assert "\n" not in str(caught.value)


# --- dSprites -------------------------------------------------------------------------------------------------------------

NPZ = REMOTES["dsprites"][0].name


@pytest.fixture
def sprites(monkeypatch):
    """An .npz like the official one, of 6 images: 2 of each shape."""
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
    assert (
        isinstance(data.train.x, np.memmap)
        and data.train.x.dtype == bool
        and not data.train.x.flags.writeable
    )
    assert data.shape == (1, 64, 64) and str(data.support) == "binary" and data.test is None
    assert np.array_equal(data.train.x[:, 0], images)
    assert data.classes == ("square", "ellipse", "heart")
    assert data.train.y is not None and data.train.y.tolist() == [0, 0, 1, 1, 2, 2]
    assert sorted(path.name for path in (cache / "dsprites").iterdir()) == [".lock", "images.npy"]
    (local / "dsprites" / NPZ).unlink()
    assert (
        load("dsprites").fingerprint() == data.fingerprint()
        and where("dsprites") == "on this machine"
    )


def test_other_npz_than_the_official_one(local, sprites, cache):
    put(local / "dsprites", {NPZ: sprites[0] + b"x"})
    with pytest.raises(
        DataError,
        match=rf"the md5 of '.*{NPZ}' is not {md5(sprites[0])}: replace the file, or remove it",
    ):
        load("dsprites")
    assert not (cache / "dsprites").exists()


def test_npz_without_images(local, monkeypatch, sprites, cache):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("other.npy", b"")
    register(monkeypatch, "dsprites", {NPZ: file.getvalue()})
    put(local / "dsprites", {NPZ: file.getvalue()})
    with pytest.raises(DataError, match=r"'dsprites' cannot be read: .*no item named 'imgs.npy'"):
        load("dsprites")
    assert [path.name for path in (cache / "dsprites").iterdir()] == [".lock"]


def test_no_room_to_unpack(local, sprites, cache, monkeypatch):
    put(local / "dsprites", {NPZ: sprites[0]})
    usage = shutil.disk_usage(local)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000))
    with pytest.raises(
        OutputError,
        match=r"cannot write into '.*dsprites', only 0 MB are free: .* 0 MB there once, make room",
    ):
        load("dsprites")
    assert [path.name for path in (cache / "dsprites").iterdir()] == [".lock"]


def test_disk_full_while_unpacking(local, sprites, cache, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    put(local / "dsprites", {NPZ: sprites[0]})
    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", fail)
    with pytest.raises(
        OutputError,
        match=r"cannot write into '.*dsprites', No space left on device: .*set XDG_CACHE_HOME",
    ):
        load("dsprites")
    assert [path.name for path in (cache / "dsprites").iterdir()] == [".lock"]


def test_unpacked_images_that_are_not_whole(local, sprites, cache):
    put(local / "dsprites", {NPZ: sprites[0]})
    load("dsprites")
    path = cache / "dsprites/images.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(
        DataError, match=r"images.npy' cannot be read: .*: remove it to have it unpacked anew"
    ):
        load("dsprites")
    np.save(path, np.zeros((6, 64, 64), np.uint8))
    with pytest.raises(
        DataError,
        match=r"it holds uint8 of shape \(6, 64, 64\), bool of shape .* is needed: remove it to",
    ):
        load("dsprites")


def test_registered_dsprites_is_checked_as_it_arrives(cache, sprites, server, monkeypatch):
    register(monkeypatch, "dsprites", {NPZ: sprites[0]}, f"http://127.0.0.1:{server.server_port}/")
    remote = REMOTES["dsprites"][0]
    monkeypatch.setitem(
        REMOTES,
        "dsprites",
        (replace(remote, addresses=(*remote.addresses, server.offer("/b", sprites[0]))),),
    )
    server.offer(f"/{NPZ}", sprites[0][:-1] + b"x")
    assert len(load("dsprites").train) == 6
    assert [path for path, _ in server.log] == [f"/{NPZ}", "/b"]
