"""Downloads: mirrors, broken transfers, checksums, hostile servers."""

import gzip
import hashlib
import io
import random
import socket
import sys
import threading
from urllib.parse import urlsplit

import pytest

from raising import raises
from vaekit.data.download import MAX_CONNECTIONS, fetch
from vaekit.data.remote_file import RemoteFile
from vaekit.errors import NetworkError, OutputError

CONTENT = random.Random(0).randbytes(200_000)
SIZE = len(CONTENT)
MD5 = hashlib.md5(CONTENT).hexdigest()


def remote(*addresses, md5=MD5, size=SIZE, name="images.bin"):
    return RemoteFile(name, md5, size, addresses)


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def ranges(server):
    return [requested for _, requested in server.log]


def unreachable():
    """An address of this machine that nothing listens on."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}/a"


def test_a_complete_file(server, tmp_path, capsys):
    path = fetch(remote(server.offer("/a", CONTENT)), tmp_path / "new/folder")
    assert path == tmp_path / "new/folder/images.bin" and path.read_bytes() == CONTENT
    assert files(path.parent) == ["images.bin"] and ranges(server) == [None]
    assert capsys.readouterr() == ("", "")


def test_an_existing_file_needs_no_request(server, tmp_path):
    (tmp_path / "images.bin").write_bytes(b"before")
    assert fetch(remote(server.offer("/a", CONTENT)), tmp_path).read_bytes() == b"before"
    assert server.log == []


@pytest.mark.parametrize("options", [{}, {"declared": False}])
def test_length_need_not_be_declared(server, tmp_path, options):
    assert fetch(remote(server.offer("/a", CONTENT, **options)), tmp_path).read_bytes() == CONTENT


def test_a_broken_transfer_is_resumed(server, tmp_path):
    path = fetch(remote(server.offer("/a", CONTENT, breaks=[70_000, 60_000])), tmp_path)
    assert path.read_bytes() == CONTENT and files(tmp_path) == ["images.bin"]
    assert ranges(server) == [None, "bytes=70000-", "bytes=130000-"]


def test_a_broken_transfer_is_resumed_by_the_next_call(server, tmp_path):
    address = server.offer("/a", CONTENT, breaks=[70_000, 0])
    with raises(NetworkError):
        fetch(remote(address), tmp_path)
    assert [(tmp_path / name).read_bytes() for name in files(tmp_path)] == [CONTENT[:70_000]]
    assert fetch(remote(address), tmp_path).read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=70000-", "bytes=70000-"]
    assert files(tmp_path) == ["images.bin"]


@pytest.mark.parametrize("max_connections", [1, 3, MAX_CONNECTIONS])
def test_connections_to_one_address_are_limited(server, tmp_path, max_connections):
    file = remote(server.offer("/a", CONTENT, breaks=[1] * 100))
    with raises(NetworkError):
        fetch(file, tmp_path, max_connections=max_connections)
    assert len(server.log) == max_connections


@pytest.mark.parametrize(
    ("answer_to_ranges", "requests"),
    [
        ("ignored", [None, "bytes=70000-"]),
        ("shifted", [None, "bytes=70000-", None]),
        ("refused", [None, "bytes=70000-", None]),
    ],
)
def test_a_server_that_cannot_resume_sends_the_complete_file(
    server, tmp_path, answer_to_ranges, requests
):
    address = server.offer("/a", CONTENT, ranges=answer_to_ranges, breaks=[70_000])
    assert fetch(remote(address), tmp_path).read_bytes() == CONTENT
    assert ranges(server) == requests


def test_the_beginning_of_another_file_fails_the_checksum_only_once(server, tmp_path):
    address = server.offer("/a", bytes(200_000), breaks=[70_000, 0])
    with raises(NetworkError):
        fetch(remote(address), tmp_path)
    server.offer("/a", CONTENT)
    with pytest.raises(NetworkError) as caught:
        fetch(remote(address), tmp_path)
    assert MD5 in str(caught.value) and files(tmp_path) == []
    assert fetch(remote(address), tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_leads_to_the_next_mirror(server, tmp_path):
    wrong = server.offer("/wrong", CONTENT[:-1] + b"x")
    right = server.offer("/right", CONTENT)
    path = fetch(remote(wrong, right), tmp_path)
    assert path.read_bytes() == CONTENT and files(tmp_path) == ["images.bin"]
    assert [path for path, _ in server.log] == ["/wrong", "/right"]


def test_the_error_has_the_reason_of_every_address(server, tmp_path):
    wrong = server.offer("/wrong", b"junk")
    missing = server.offer("/x", b"").replace("/x", "/missing")
    dead = unreachable()
    with pytest.raises(NetworkError) as caught:
        fetch(remote(dead, wrong, missing), tmp_path)
    message = str(caught.value)
    assert "\n" not in message and urlsplit(dead).netloc in message
    assert message.count(urlsplit(wrong).netloc) == 2
    assert MD5 in message and "404" in message
    assert files(tmp_path) == []


@pytest.mark.parametrize("options", [{}, {"declared": False}])
def test_larger_files_are_refused(server, tmp_path, options):
    with raises(NetworkError):
        fetch(remote(server.offer("/a", CONTENT, **options), size=1000), tmp_path)
    assert files(tmp_path) == []


def test_larger_files_are_not_received_to_their_end(server, tmp_path):
    with raises(NetworkError):
        fetch(remote(server.offer("/a", bytes(2**26), declared=False), size=1000), tmp_path)
    assert not server.answers["/a"].sent


def test_a_silent_server_is_left_after_the_timeout(server, tmp_path):
    address = server.offer("/a", CONTENT, breaks=[70_000, 0], stalls=True)
    with raises(NetworkError):
        fetch(remote(address), tmp_path, timeout=0.2)
    assert ranges(server) == [None, "bytes=70000-"]


def test_redirects_are_followed(server, tmp_path):
    moved = server.offer("/old", status=302, location=server.offer("/new", CONTENT))
    assert fetch(remote(moved), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_only_http(server, tmp_path, scheme, monkeypatch):
    monkeypatch.setenv("ftp_proxy", f"http://127.0.0.1:{server.server_port}")
    (tmp_path / "secret").write_bytes(CONTENT)
    target = f"{scheme}://{tmp_path}/secret"
    with raises(NetworkError):
        fetch(remote(server.offer("/a", status=302, location=target)), tmp_path)
    with raises(NetworkError):
        fetch(remote(target), tmp_path)
    assert len(server.log) == 1 and files(tmp_path) == ["secret"]


def test_circular_redirects_are_refused(server, tmp_path):
    address = server.offer("/a")
    server.offer("/a", status=302, location=address)
    with raises(NetworkError):
        fetch(remote(address), tmp_path)


def test_mirrors_that_compress_differently_are_not_mixed(server, tmp_path):
    fast = gzip.compress(b"text" * 50_000, 1)
    small = gzip.compress(b"text" * 50_000, 9)
    assert fast != small
    file = remote(
        server.offer("/a", fast, breaks=[100, 0]),
        server.offer("/b", small),
        md5=hashlib.md5(b"text" * 50_000).hexdigest(),
        name="text.gz",
    )
    assert fetch(file, tmp_path).read_bytes() == small
    assert server.log[-1] == ("/b", None) and files(tmp_path) == ["text.gz"]


def test_the_checksum_is_that_of_the_file_or_of_its_decompressed_content(tmp_path):
    path = tmp_path / "a"
    for content, expected in (
        (CONTENT, True),
        (gzip.compress(CONTENT, 1, mtime=0), True),
        (gzip.compress(CONTENT, mtime=0)[:-1], False),
        (gzip.compress(CONTENT + b"x", mtime=0), False),
        (b"", False),
    ):
        path.write_bytes(content)
        assert remote(size=210_000).matches_checksum(path) == expected
    path.write_bytes(gzip.compress(CONTENT))
    assert not remote(size=len(CONTENT) - 1).matches_checksum(path)


def test_a_folder_that_cannot_be_written_is_refused(server, tmp_path):
    (tmp_path / "file").write_text("")
    with raises(OutputError):
        fetch(remote(server.offer("/a", CONTENT)), tmp_path / "file/data")
    assert server.log == []


def test_concurrent_calls_download_once(server, tmp_path):
    file = remote(server.offer("/a", CONTENT))
    threads = [threading.Thread(target=fetch, args=(file, tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.log) == 1 and (tmp_path / "images.bin").read_bytes() == CONTENT


def test_a_terminal_shows_a_bar(server, tmp_path, monkeypatch, capsys):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    fetch(remote(server.offer("/a", CONTENT)), tmp_path)
    assert "images.bin" in terminal.getvalue() and capsys.readouterr().out == ""
