"""One writer a folder: the lock ends with its owner, wherever that runs."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from raising import raises
from vaekit.errors import OutputError, WorkError
from vaekit.runs.lock import LOCK, FolderLock, Owner

HOLD = """
import sys
from pathlib import Path
from vaekit.errors import OutputError
from vaekit.runs.lock import FolderLock
try:
    with FolderLock(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
except OutputError:
    print("refused", flush=True)
"""


def start(folder) -> subprocess.Popen[str]:
    """Another process that holds the lock until its input ends, or prints that it was refused."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def write_owner(folder, age: float = 0.0, **changes) -> None:
    """The lock of another owner, renewed `age` seconds ago."""
    owner = Owner.current().model_copy(update=changes)
    (folder / LOCK).write_text(owner.model_dump_json())
    moment = time.time() - age
    os.utime(folder / LOCK, (moment, moment))


def is_free(folder) -> bool:
    try:
        with FolderLock(folder, heartbeat=20.0):
            return True
    except OutputError:
        return False


def test_a_lock_is_held_once_and_leaves_nothing(tmp_path):
    with FolderLock(tmp_path) as lock:
        assert not is_free(tmp_path)
        lock.check()
    assert not any(tmp_path.iterdir())
    assert is_free(tmp_path)


@pytest.mark.parametrize(
    ("changes", "age", "free"),
    [
        ({}, 0, False),
        ({}, 10_000, False),  # of a living process on this machine, which may be suspended
        ({"started": "1"}, 0, True),  # the number belongs to another process by now
        ({"process": 2**22 + 1}, 0, True),
        ({"machine": "elsewhere"}, 0, False),
        ({"machine": "elsewhere"}, 59, False),
        ({"machine": "elsewhere"}, 61, True),
        ({"machine": "", "started": ""}, 0, False),
        ({"machine": "", "started": ""}, 61, True),
    ],
    ids=str,
)
def test_a_lock_ends_with_its_owner(tmp_path, changes, age, free):
    write_owner(tmp_path, age, **changes)
    assert is_free(tmp_path) is free


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\0", b'{"process": "1"}', b"[" * 3000])
def test_a_damaged_lock_file_does_not_block(tmp_path, content):
    (tmp_path / LOCK).write_bytes(content)
    assert is_free(tmp_path)


def make_link(path):
    path.with_name("victim").write_text("safe")
    path.symlink_to("victim")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, make_link, os.mkdir, make_socket])
def test_a_lock_that_is_no_file_is_refused_and_not_followed(tmp_path, make):
    make(tmp_path / LOCK)
    with raises(OutputError), FolderLock(tmp_path):
        pass
    if make is make_link:
        assert (tmp_path / "victim").read_text() == "safe"


def test_an_owner_notices_that_it_has_lost_the_folder(tmp_path):
    with FolderLock(tmp_path) as lock:
        (tmp_path / LOCK).unlink()
        with raises(WorkError):
            lock.check()
        write_owner(tmp_path)
        with raises(WorkError):
            lock.check()
    owner = json.loads((tmp_path / LOCK).read_text())
    assert owner["process"] == os.getpid()  # the lock of another owner is not removed


def test_the_heartbeat_renews_the_lock(tmp_path):
    with FolderLock(tmp_path, heartbeat=0.01):
        os.utime(tmp_path / LOCK, (0, 0))
        deadline = time.monotonic() + 20
        while (tmp_path / LOCK).stat().st_mtime < 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (tmp_path / LOCK).stat().st_mtime > 1


@pytest.mark.process
def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    with start(tmp_path) as process:
        assert first_line(process) == "held\n"
        assert not is_free(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert is_free(tmp_path)


@pytest.mark.process
def test_a_patient_process_waits_for_the_other_to_end(tmp_path):
    with start(tmp_path) as process:
        assert first_line(process) == "held\n"
        threading.Timer(1.0, process.stdin.close).start()
        with FolderLock(tmp_path, patience=60):
            assert not is_free(tmp_path)
    assert process.returncode == 0


@pytest.mark.process
def test_of_several_processes_one_gets_the_lock(tmp_path):
    processes = [start(tmp_path) for _ in range(4)]
    assert sorted(map(first_line, processes)) == ["held\n", *["refused\n"] * 3]
    for process in processes:
        process.communicate()
    assert is_free(tmp_path)
