"""A line that cannot be printed ends no work and fails no work that is done."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import small_images, train_small
from vaekit.cli import main

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")


class Broken(io.StringIO):
    """A pipe whose reader is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def run_main(monkeypatch, *arguments: object) -> int:
    """The exit status of a command on the streams of `sys`."""
    monkeypatch.setattr(sys, "argv", ["vaekit", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def vaekit(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "vaekit", *arguments]
    return subprocess.run(command, timeout=60, check=False, **options)


# --- Processes -----------------------------------------------------------------------------------


@pytest.mark.process
@pytest.mark.parametrize("arguments", [("recipes",), ("--help",), ("recipes", "show", "conv")])
def test_a_closed_pipe_is_no_failure(arguments):
    read, write = os.pipe()
    os.close(read)
    done = vaekit(*arguments, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.process
@needs_full
def test_a_result_that_could_not_be_printed_is_a_failure():
    with FULL.open("w") as full:
        done = vaekit("recipes", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1


@pytest.mark.process
def test_a_wrong_request_has_its_status_on_a_closed_pipe():
    read, write = os.pipe()
    os.close(read)
    assert vaekit("nonsense", stdout=write, stderr=write).returncode == 2
    os.close(write)


@pytest.mark.process
def test_streams_that_are_closed_from_the_start():
    command = f"{sys.executable} -m vaekit recipes <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], timeout=60, check=False).returncode == 0


# --- In this process -----------------------------------------------------------------------------


def train(monkeypatch, folder: Path) -> dict:
    """The summary of a run that the command line trains, with status 0."""
    small = ("--epochs", 1, "--train-size", 100, "--set", "encoder.hidden=[8]", "--device", "cpu")
    assert run_main(monkeypatch, "train", "mlp", "--data", "digits", *small, "--out", folder) == 0
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@needs_full
def test_a_training_ends_without_a_place_to_print(monkeypatch, tmp_path):
    expected = train(monkeypatch, tmp_path / "printed")["test"]
    monkeypatch.setattr(sys, "stderr", Broken())
    monkeypatch.setattr(sys, "stdout", Broken())
    assert train(monkeypatch, tmp_path / "pipe")["test"] == expected
    with FULL.open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        monkeypatch.setattr(sys, "stderr", full)
        assert train(monkeypatch, tmp_path / "full")["test"] == expected
        monkeypatch.undo()


@pytest.mark.parametrize("stream", [Broken(), None], ids=["broken", "none"])
def test_a_training_of_a_program_ends_without_standard_error(stream, monkeypatch, tmp_path):
    expected = train_small(tmp_path / "quiet")
    monkeypatch.setattr(sys, "stderr", stream)
    run = train_small(tmp_path / "run", console=None)
    assert run.summary["test"] == expected.summary["test"]


def test_characters_that_the_encoding_lacks_are_replaced(monkeypatch, tmp_path):
    data = small_images()
    np.savez(tmp_path / "data.npz", x=data.train.x, y=np.array(["é", "日", "c"])[data.train.y])
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="cp1252"))
    assert run_main(monkeypatch, "data", tmp_path / "data.npz") == 0
    assert "é".encode("cp1252") in content.getvalue()
    assert "日".encode() not in content.getvalue()
