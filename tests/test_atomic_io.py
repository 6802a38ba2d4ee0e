"""Atomic writes: a file is complete, or what it was before."""

import os

import pytest

from vaekit.atomic_io import atomic_write, atomic_write_bytes
from vaekit.errors import OutputError


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


def test_a_full_disk_is_an_output_error(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError):
        atomic_write_bytes(tmp_path / "file", "x")
    assert not any(tmp_path.iterdir())


def test_a_path_below_a_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        atomic_write_bytes(tmp_path / "file" / "below", "x")
