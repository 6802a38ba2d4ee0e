import gzip
import hashlib
import io
import random
import socket
import sys
import threading

import pytest

from vaekit.data import download
from vaekit.data.download import fetch
from vaekit.data.remote_file import RemoteFile, matches_checksum
from vaekit.errors import DataError, OutputError

CONTENT = random.Random(0).randbytes(200_000)
SIZE = len(CONTENT)
MD5 = hashlib.md5(CONTENT).hexdigest()


def remote(*addresses, md5=MD5, size=SIZE, name="images.bin"):
    return RemoteFile(name, md5, size, addresses)


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def ranges(server):
    return [wanted for _, wanted in server.log]


def dead():
    """An address of this machine where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}/a"


def test_whole(server, tmp_path, capsys):
    path = fetch(remote(server.offer("/a", CONTENT)), tmp_path / "new/folder")
    assert path == tmp_path / "new/folder/images.bin" and path.read_bytes() == CONTENT
    assert files(path.parent) == ["images.bin"] and ranges(server) == [None]
    assert capsys.readouterr() == ("", "")


def test_what_is_there_needs_no_request(server, tmp_path):
    (tmp_path / "images.bin").write_bytes(b"before")
    assert fetch(remote(server.offer("/a", CONTENT)), tmp_path).read_bytes() == b"before"
    assert server.log == []


@pytest.mark.parametrize("options", [{}, {"declared": False}])
def test_length_need_not_be_declared(server, tmp_path, options):
    assert fetch(remote(server.offer("/a", CONTENT, **options)), tmp_path).read_bytes() == CONTENT


def test_broken_transfer_goes_on_where_it_broke(server, tmp_path):
    path = fetch(remote(server.offer("/a", CONTENT, breaks=[70_000, 60_000])), tmp_path)
    assert path.read_bytes() == CONTENT and files(tmp_path) == ["images.bin"]
    assert ranges(server) == [None, "bytes=70000-", "bytes=130000-"]


def test_broken_transfer_goes_on_next_time(server, tmp_path):
    address = server.offer("/a", CONTENT, breaks=[70_000, 0])
    with pytest.raises(
        DataError,
        match=r"^images.bin cannot be downloaded \(127.* broke off after 70000 of 200000 bytes\)$",
    ):
        fetch(remote(address), tmp_path)
    assert [(tmp_path / name).read_bytes() for name in files(tmp_path)] == [CONTENT[:70_000]]
    assert fetch(remote(address), tmp_path).read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=70000-", "bytes=70000-"] and files(tmp_path) == [
        "images.bin"
    ]


def test_connections_to_one_address_are_counted(server, tmp_path):
    with pytest.raises(DataError, match="broke off after 5 of 200000"):
        fetch(remote(server.offer("/a", CONTENT, breaks=[1] * 100)), tmp_path)
    assert len(server.log) == download.TRIES == 5


@pytest.mark.parametrize(
    ("how", "requests"),
    [
        ("ignored", [None, "bytes=70000-"]),
        ("shifted", [None, "bytes=70000-", None]),
        ("refused", [None, "bytes=70000-", None]),
    ],
)
def test_server_that_does_not_go_on_is_asked_for_the_whole(server, tmp_path, how, requests):
    assert (
        fetch(
            remote(server.offer("/a", CONTENT, ranges=how, breaks=[70_000])), tmp_path
        ).read_bytes()
        == CONTENT
    )
    assert ranges(server) == requests


def test_stale_remains_end_with_a_wrong_hash_and_not_twice(server, tmp_path):
    address = server.offer("/a", bytes(200_000), breaks=[70_000, 0])
    with pytest.raises(DataError, match="broke off"):
        fetch(remote(address), tmp_path)
    server.offer("/a", CONTENT)
    with pytest.raises(DataError, match=f"sent a file whose md5 is not {MD5}"):
        fetch(remote(address), tmp_path)
    assert fetch(remote(address), tmp_path).read_bytes() == CONTENT


def test_wrong_hash_on_the_first_mirror(server, tmp_path):
    path = fetch(
        remote(server.offer("/wrong", CONTENT[:-1] + b"x"), server.offer("/right", CONTENT)),
        tmp_path,
    )
    assert path.read_bytes() == CONTENT and files(tmp_path) == ["images.bin"]
    assert [path for path, _ in server.log] == ["/wrong", "/right"]


def test_every_failure_is_told_in_one_line(server, tmp_path):
    wrong, missing = (
        server.offer("/wrong", b"junk"),
        server.offer("/x", b"").replace("/x", "/missing"),
    )
    with pytest.raises(DataError) as caught:
        fetch(remote(dead(), wrong, missing), tmp_path)
    host = rf"127\.0\.0\.1:{server.server_port}"
    assert caught.match(
        rf"^images.bin cannot be downloaded \(127\.0\.0\.1:\d+ Connection refused; {host} sent a file whose md5 is not {MD5}; "
        rf"{host} answers 404 Not Found\)$"
    )
    assert files(tmp_path) == []


@pytest.mark.parametrize("options", [{}, {"declared": False}])
def test_larger_than_allowed(server, tmp_path, options):
    with pytest.raises(DataError, match="sends more than the 1000 bytes that are allowed"):
        fetch(remote(server.offer("/a", CONTENT, **options), size=1000), tmp_path)
    assert files(tmp_path) == []


def test_what_is_too_large_is_not_received_to_its_end(server, tmp_path):
    with pytest.raises(DataError, match="sends more than the 1000 bytes that are allowed"):
        fetch(remote(server.offer("/a", bytes(2**26), declared=False), size=1000), tmp_path)
    assert not server.answers["/a"].sent


def test_silent_server(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    address = server.offer("/a", CONTENT, breaks=[70_000, 0], stalls=True)
    with pytest.raises(DataError, match="broke off: timed out"):
        fetch(remote(address), tmp_path)
    assert ranges(server) == [None, "bytes=70000-"]


def test_redirects_are_followed(server, tmp_path):
    moved = server.offer("/old", status=302, location=server.offer("/new", CONTENT))
    assert fetch(remote(moved), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_only_http(server, tmp_path, scheme, monkeypatch):
    monkeypatch.setenv("ftp_proxy", f"http://127.0.0.1:{server.server_port}")
    (tmp_path / "secret").write_bytes(CONTENT)
    target = f"{scheme}://{tmp_path}/secret"
    with pytest.raises(DataError, match=r"not allowed|unknown url type"):
        fetch(remote(server.offer("/a", status=302, location=target)), tmp_path)
    with pytest.raises(DataError, match="unknown url type"):
        fetch(remote(target), tmp_path)
    assert len(server.log) == 1 and files(tmp_path) == ["secret"]


def test_redirects_in_a_circle(server, tmp_path):
    address = server.offer("/a")
    server.offer("/a", status=302, location=address)
    with pytest.raises(DataError, match="redirect") as caught:
        fetch(remote(address), tmp_path)
    assert "\n" not in str(caught.value)


def test_mirrors_that_compress_differently_are_not_mixed(server, tmp_path):
    fast, small = gzip.compress(b"text" * 50_000, 1), gzip.compress(b"text" * 50_000, 9)
    assert fast != small
    file = remote(
        server.offer("/a", fast, breaks=[100, 0]),
        server.offer("/b", small),
        md5=hashlib.md5(b"text" * 50_000).hexdigest(),
        name="text.gz",
    )
    assert fetch(file, tmp_path).read_bytes() == small
    assert server.log[-1] == ("/b", None) and files(tmp_path) == ["text.gz"]


def test_hash_of_the_file_or_of_what_it_decompresses_to(tmp_path):
    path = tmp_path / "a"
    for content, proven in (
        (CONTENT, True),
        (gzip.compress(CONTENT, 1, mtime=0), True),
        (gzip.compress(CONTENT, mtime=0)[:-1], False),
        (gzip.compress(CONTENT + b"x", mtime=0), False),
        (b"", False),
    ):
        path.write_bytes(content)
        assert matches_checksum(path, remote(size=210_000)) == proven
    path.write_bytes(gzip.compress(CONTENT))
    assert not matches_checksum(path, remote(size=len(CONTENT) - 1))


def test_place_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        OutputError, match=r"cannot write into '.*file/data', Not a directory: .*set XDG_CACHE_HOME"
    ):
        fetch(remote(server.offer("/a", CONTENT)), tmp_path / "file/data")
    assert server.log == []


def test_two_at_once_download_once(server, tmp_path):
    file = remote(server.offer("/a", CONTENT))
    threads = [threading.Thread(target=fetch, args=(file, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.log) == 1 and (tmp_path / "images.bin").read_bytes() == CONTENT


def test_a_terminal_sees_a_bar(server, tmp_path, monkeypatch, capsys):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    fetch(remote(server.offer("/a", CONTENT)), tmp_path)
    assert "images.bin" in terminal.getvalue() and capsys.readouterr().out == ""
