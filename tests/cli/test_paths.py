"""Paths that cannot be opened, read or written: one line, status 2, for every command."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

SIZES = {
    "a long name": "n" * 300,
    "a long path": "a/" * 2500 + "x",
    "NUL": "a\0b",
    "not UTF-8": os.fsdecode(b"\xff"),
}
"""Paths that no system can open, or that no file of a run can record."""

PLACES = {"below a file": "file/x", "a circular link": "loop", "below a circular link": "loop/x"}

READ = [
    ("train", "{}.yaml"),
    ("train", "mlp", "--data", "{}"),
    ("train", "mlp", "--data", "digits", "--test", "{}"),
    ("train", "--resume", "{}"),
    ("data", "{}"),
    ("evaluate", "{}"),
    ("evaluate", "run", "--data", "{}"),
    ("evaluate", "run", "--features", "{}"),
    ("compare", "{}", "run"),
    ("score", "{}"),
    ("score", "run", "{}"),
    ("plot", "{}"),
    ("plot", "run", "latent", "--data", "{}", "--out", "latent.png"),
    ("explore", "{}"),
    ("sample", "{}"),
    ("reconstruct", "{}"),
    ("reconstruct", "run", "{}"),
    ("encode", "{}"),
    ("encode", "run", "{}"),
    ("decode", "run", "{}.npy"),
    ("impute", "run", "{}.npy"),
    ("export", "{}", "onnx"),
    ("serve", "{}"),
    ("push", "{}", "ada/digits"),
]
WRITE = [
    ("train", "mlp", "--data", "digits", "--out", "{}"),
    ("sweep", "mlp", "--data", "digits", "--set", "seed=1,2", "--out", "{}"),
    ("compare", "run", "other", "--out", "{}.png"),
    ("score", "run", "--out", "{}.csv"),
    ("plot", "run", "grid", "--out", "{}.png"),
    ("sample", "run", "--out", "{}.npy"),
    ("reconstruct", "run", "--out", "{}.png"),
    ("encode", "run", "--out", "{}.npy"),
    ("decode", "run", "codes.npy", "--out", "{}.npy"),
    ("impute", "run", "gaps.npy", "--out", "{}.npy"),
    ("export", "run", "{}"),
    ("pull", "ada/digits", "{}"),
]


@pytest.fixture
def folder(small_run, tmp_path):
    """A run, codes, a regular file and a circular link, in the folder of the commands."""
    shutil.copytree(small_run.path, tmp_path / "run")
    np.save(tmp_path / "codes.npy", np.zeros((2, 3)))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.fixture
def refuse(folder, cli):
    """Run a command that must be refused in its last line, with nothing written."""

    def run(arguments: tuple[str, ...], path: str) -> None:
        before = sorted(folder.rglob("*"))
        status, out, err = cli(*(each.format(path) for each in arguments))
        *notes, line = err.splitlines()
        assert (status, out) == (2, ""), err
        assert line.startswith("vaekit: ") and line.isprintable() and "unexpected" not in line
        assert all(note.startswith("run 1 of 2: ") for note in notes)
        assert sorted(folder.rglob("*")) == before

    return run


@pytest.mark.parametrize("arguments", READ + WRITE, ids=" ".join)
def test_a_path_that_no_system_can_open_is_refused(refuse, arguments):
    for path in SIZES.values():
        refuse(arguments, path)


@pytest.mark.parametrize("arguments", READ, ids=" ".join)
def test_a_path_below_a_file_or_a_circular_link_is_refused(refuse, arguments):
    for path in PLACES.values():
        refuse(arguments, path)


@pytest.mark.parametrize(
    "arguments", [each for each in WRITE if each[0] in ("encode", "sample", "decode")], ids=" ".join
)
def test_a_file_is_not_written_below_a_file_or_a_circular_link(refuse, arguments):
    refuse(arguments, "file/x")
    refuse(arguments, "loop/x")


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_file_needs_a_name(folder, cli, path):
    for arguments in (("compare", "run", "run"), ("sample", "run"), ("encode", "run")):
        status, out, err = cli(*arguments, "--out", path)
        assert (status, out, err.count("\n")) == (2, "", 1), err
    assert Path("file").read_text() == "mine"
