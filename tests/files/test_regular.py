"""Regular files alone are opened, of bounded size, and links only where they are allowed."""

import errno
import os
import socket
from pathlib import Path

import pytest

from vaekit.files.regular import is_regular, open_regular, read_regular


def test_a_regular_file_is_read_completely(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert read_regular(path, 7) == b"content"
    with open_regular(path) as file:
        assert file.read(4) == b"cont"


@pytest.mark.parametrize("limit", [0, 6])
def test_a_file_that_is_too_large_is_told_apart(tmp_path, limit):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with pytest.raises(OSError, match="got 7 bytes") as caught:
        read_regular(path, limit)
    assert caught.value.errno == errno.EFBIG


def test_a_sparse_file_is_refused_by_its_size(tmp_path):
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match="too large") as caught:
        read_regular(path, 2**20)
    assert caught.value.errno == errno.EFBIG


def special_files(folder: Path) -> dict[str, Path]:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    return {
        "pipe": folder / "pipe",
        "socket": folder / "socket",
        "folder": folder,
        "device": Path("/dev/zero"),
        "kernel": Path("/proc/self/environ"),
    }


KINDS = ("pipe", "socket", "folder", "device", "kernel")


@pytest.mark.parametrize("through_link", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_other_files_than_regular_ones_are_refused_and_never_waited_for(
    tmp_path, kind, through_link
):
    path = special_files(tmp_path)[kind]
    if through_link:
        link = tmp_path / "link"
        link.symlink_to(path)
        path = link
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(path)


def test_a_link_is_followed_only_where_links_are_allowed(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"content")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert read_regular(link, 100) == b"content"
    with pytest.raises(OSError, match="it is a link"):
        read_regular(link, 100, follow_links=False)


@pytest.mark.parametrize("path", ["missing", "a" * 300, "a\0b"])
def test_is_regular_never_raises(path):
    assert not is_regular(Path(path))
