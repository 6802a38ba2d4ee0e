"""Atomic writes: a file or folder is complete, or what it was before."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from raising import raises
from vaekit.errors import DiskError, OutputError
from vaekit.files.atomic import (
    atomic_folder,
    atomic_write,
    atomic_write_bytes,
    atomic_write_many,
    check_new_file,
    remove_leftovers,
)

KILLED_WITHIN_A_WRITE = """
import os, signal, sys
from vaekit.files.atomic import {write}
with {write}(sys.argv[1]) as target:
    {half}
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def kill_within(write: str, half: str, path: Path) -> None:
    """Let another process be killed while it writes `path`."""
    program = KILLED_WITHIN_A_WRITE.format(write=write, half=half)
    done = subprocess.run([sys.executable, "-c", program, path], check=False)
    assert done.returncode == -signal.SIGKILL


# --- Files ---------------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    atomic_write_bytes(tmp_path / "file", "before")

    def fail() -> None:
        with atomic_write(tmp_path / "file") as file:
            file.write(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "file").read_text() == "before"
    assert names(tmp_path) == ["file"]


def test_of_several_files_none_is_written_if_one_cannot_be(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError):
        atomic_write_many({tmp_path / "file": b"1", tmp_path / "folder": b"2"})
    assert names(tmp_path) == ["folder"]


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


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("a" * 255)
    atomic_write_bytes(path, "content")
    assert path.read_text() == "content"


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    atomic_write_bytes(tmp_path / "atomic", "")
    (tmp_path / "plain").write_text("")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_link_is_replaced_and_never_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("safe")
    (tmp_path / "link").symlink_to(victim)
    atomic_write_bytes(tmp_path / "link", "new")
    assert victim.read_text() == "safe"
    assert (tmp_path / "link").read_text() == "new"
    assert not (tmp_path / "link").is_symlink()


def test_temporary_names_cannot_be_predicted(tmp_path):
    def temporary_name() -> str:
        with atomic_write(tmp_path / "file"):
            return next(path.name for path in tmp_path.iterdir() if path.name.startswith("."))

    seen = {temporary_name() for _ in range(20)}
    assert len(seen) == 20
    assert not any(str(os.getpid()) == part for name in seen for part in name.split("."))


# --- What killed processes leave -----------------------------------------------------------------


@pytest.mark.process
def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path):
    for write, half in (
        ("atomic_write", "target.write(b'half')"),
        ("atomic_folder", "(target / 'inside').touch()"),
    ):
        folder = tmp_path / write
        kill_within(write, half, folder / "killed")
        assert len(names(folder)) == 1
        atomic_write_bytes(folder / "other", "x")
        assert names(folder) == ["other"]


def test_what_is_still_written_and_files_of_other_names_remain(tmp_path):
    (tmp_path / ".vaekit-notes.tmp").touch()
    with atomic_write(tmp_path / "file") as file, atomic_folder(tmp_path / "folder") as folder:
        file.write(b"content")
        remove_leftovers(tmp_path)
        (folder / "inside").touch()
    assert names(tmp_path) == [".vaekit-notes.tmp", "file", "folder"]


def test_a_link_with_the_name_of_a_leftover_deletes_nothing(tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "inside").touch()
    (tmp_path / f".vaekit-{'0' * 16}.tmp").symlink_to(victim)
    remove_leftovers(tmp_path)
    assert names(victim) == ["inside"]


# --- Folders -------------------------------------------------------------------------------------


def test_a_folder_is_replaced_completely_or_not_at_all(tmp_path):
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "old").touch()

    def fail() -> None:
        with atomic_folder(tmp_path / "folder") as folder:
            (folder / "half").touch()
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path / "folder") == ["old"]
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "new").touch()
    assert names(tmp_path / "folder") == ["new"]
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("name", ["folder", "x" * 255])
def test_a_folder_that_was_being_replaced_is_restored(name, tmp_path, monkeypatch):
    (tmp_path / name).mkdir()
    (tmp_path / name / "old").touch()
    rename = Path.rename

    def stop_at_the_second(path: Path, target: Path) -> Path:
        if target == tmp_path / name:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / name):
        pass
    monkeypatch.undo()
    assert name not in names(tmp_path)

    def fail() -> None:
        with atomic_folder(tmp_path / name):
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == [name]
    assert names(tmp_path / name) == ["old"]


def test_a_folder_that_another_process_keeps_locked(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr("vaekit.files.atomic.MAX_WAIT_SECONDS", 0.1)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with raises(OutputError, "out"), atomic_folder(tmp_path / "folder"):
            pass
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("target", ["file", "nowhere", "link"])
def test_a_new_file_replaces_nothing_unasked(target, tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "link"
    path.symlink_to(target)
    with raises(OutputError, "overwrite"):
        check_new_file(path, overwrite=False)
    check_new_file(path, overwrite=True)
    check_new_file(tmp_path / "other/new", overwrite=False)
    with raises(OutputError, "out"):
        check_new_file(tmp_path, overwrite=True)


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError), atomic_folder(tmp_path):
        pass


@pytest.mark.parametrize("write", [atomic_write, atomic_folder])
@pytest.mark.parametrize("path", ["", ".", "..", "/", "a/.."])
def test_a_path_without_a_name_is_an_output_error(tmp_path, monkeypatch, write, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError), write(path):
        pass
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("write", [atomic_write, atomic_folder])
def test_links_in_a_circle_are_an_output_error(tmp_path, write):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutputError), write(tmp_path / "a" / "file"):
        pass
    assert names(tmp_path) == ["a", "b"]
