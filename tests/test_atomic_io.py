"""Atomic writes: a file is complete, or what it was before."""

import errno
import os

import pytest

from vaekit.atomic_io import atomic_write, atomic_write_bytes
from vaekit.errors import DiskError, OutputError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    atomic_write_bytes(tmp_path / "file", "before")

    def fail() -> None:
        with atomic_write(tmp_path / "file") as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "file").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        *((number, DiskError) for number in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)),
        *((number, DiskError) for number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM)),
        *((number, OutputError) for number in (errno.EACCES, errno.EPERM, errno.EROFS)),
        *((number, OutputError) for number in (errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else "",
)
def test_a_disk_that_fails_is_work_that_failed_and_a_wrong_path_a_wrong_request(
    tmp_path, monkeypatch, number, kind
):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind):
        atomic_write_bytes(tmp_path / "file", "x")
    assert not any(tmp_path.iterdir())


def test_a_path_below_a_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        atomic_write_bytes(tmp_path / "file" / "below", "x")
