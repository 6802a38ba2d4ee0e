"""Ctrl-C and SIGTERM end a command with status 130 and one line, and leave nothing half-written."""

import os
import pkgutil
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file

from conftest import small_images
from vaekit.core.vae import VAE

pytestmark = pytest.mark.slow

SIGNALS = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name
)
MOMENTS = {
    "reading": "vaekit.workflows.training_setup.load_dataset",
    "first step": "vaekit.training.stage_trainer.StageTrainer.update",
    "validation": "vaekit.workflows.train.elbo_sums",
    "checkpoint": "vaekit.training.checkpointer.save_checkpoint",
    "test split": "vaekit.workflows.train.elbo_per_example",
    "plots": "vaekit.workflows.train.plot_run_data",
    "summary": "vaekit.runs.save_summary",
}
TRAIN = ("train", "mlp", "--epochs", 2, "--batch-size", 16, "--data", "bars.npy", "--out", "run")


@pytest.fixture
def signaled(monkeypatch):
    """Have this process receive a signal when a function is called, the first time only."""

    def patch(owner, name: str, number: signal.Signals) -> None:
        original = getattr(owner, name)
        left = [number]

        def function(*args, **options):
            if left:
                os.kill(os.getpid(), left.pop())
            return original(*args, **options)

        monkeypatch.setattr(owner, name, function)

    return patch


def module_attribute(path: str):
    """The owner and the name of a dotted path."""
    owner, _, name = path.rpartition(".")
    return pkgutil.resolve_name(owner), name


def hidden_files(folder):
    return [path for path in folder.rglob("*") if path.name.startswith(".")]


@SIGNALS
@pytest.mark.parametrize("moment", MOMENTS)
def test_training_is_stopped_at_any_moment_and_resumed(cli, tmp_path, signaled, moment, number):
    np.save("bars.npy", small_images().train.x)
    signaled(*module_attribute(MOMENTS[moment]), number)
    status, printed, error = cli(*TRAIN)
    assert (status, printed) == (130, "")
    assert error.splitlines()[-1].startswith("vaekit: ")
    assert not hidden_files(tmp_path)
    if moment == "reading":
        assert not (tmp_path / "run").exists()
        return
    assert "train --resume run" in error.splitlines()[-1]
    assert not (tmp_path / "run/summary.json").exists()
    assert cli("train", "--resume", "run")[0] == 0
    assert cli(*TRAIN[:-1], "calm")[0] == 0
    weights = load_file("run/model.safetensors")
    for name, expected in load_file("calm/model.safetensors").items():
        np.testing.assert_array_equal(weights[name], expected)


COMMANDS = {
    "evaluate": (),
    "score": (),
    "encode": (),
    "sample": ("--out", "samples.npy"),
    "reconstruct": ("--out", "pairs.npy"),
    "impute": ("gaps.npy", "--out", "imputed.npy"),
    "plot": ("latent", "--out", "plots"),
}


@SIGNALS
@pytest.mark.parametrize("command", COMMANDS)
def test_other_commands_are_stopped_and_leave_no_file(
    cli, tmp_path, small_run, signaled, command, number
):
    gaps = small_images().train.x.astype(float)
    gaps[..., :3] = np.nan
    np.save("gaps.npy", gaps)
    signaled(VAE, "decode" if command in ("sample", "impute") else "encode", number)
    status, printed, error = cli(command, small_run.path, *COMMANDS[command])
    assert (status, printed) == (130, "")
    assert error.splitlines() == ["vaekit: interrupted"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["gaps.npy"]


def test_a_comparison_is_stopped(cli, small_run, signaled):
    shutil.copytree(small_run.path, "other")
    signaled(VAE, "encode", signal.SIGTERM)
    status, printed, error = cli("compare", small_run.path, "other")
    assert (status, printed, error.splitlines()) == (130, "", ["vaekit: interrupted"])


def test_a_sweep_is_stopped_and_continued(cli, tmp_path, signaled):
    np.save("bars.npy", small_images().train.x)
    sweep = ("sweep", *TRAIN[1:-2], "--set", "objective.beta=1,2", "--out", "betas")
    signaled(*module_attribute(MOMENTS["validation"]), signal.SIGTERM)
    status, printed, error = cli(*sweep)
    assert (status, printed) == (130, "")
    assert error.splitlines()[-1].startswith("vaekit: ")
    assert not list(tmp_path.glob("betas/*/summary.json"))
    assert cli(*sweep)[0] == 0
    assert len(list(tmp_path.glob("betas/*/summary.json"))) == 2


def test_a_file_that_is_being_written_is_removed(cli, tmp_path, small_run, signaled):
    signaled(os, "fsync", signal.SIGTERM)
    assert cli("score", small_run.path)[0] == 130
    assert list(tmp_path.iterdir()) == []


def test_handlers_are_restored(cli, small_run, signaled):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert cli("recipes")[0] == 0
    signaled(VAE, "encode", signal.SIGINT)
    assert cli("score", small_run.path)[0] == 130
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# --- Processes -----------------------------------------------------------------------------------

STUBBORN = """
import sys, time
from pathlib import Path
from vaekit.cli import main
from vaekit.core.vae import VAE

seconds = int(sys.argv[2])

def never_ending(*args, **options):
    try:
        Path("began").touch()
        time.sleep(100)
    finally:
        Path("ending").touch()
        time.sleep(seconds)

VAE.encode = never_ending
sys.argv = ["vaekit", "score", sys.argv[1]]
main()
"""


def wait_for(path):
    while not path.exists():
        time.sleep(0.05)


@pytest.mark.process
@pytest.mark.parametrize(
    ("seconds", "signals", "status"),
    [(0, [signal.SIGTERM], 130), (100, [signal.SIGTERM, signal.SIGINT], -signal.SIGINT)],
    ids=["one", "two"],
)
def test_a_second_signal_ends_at_once(tmp_path, small_run, seconds, signals, status):
    """The first one waits for what has to be ended in order."""
    command = [sys.executable, "-c", STUBBORN, str(small_run.path), str(seconds)]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    for number, path in zip(signals, ["began", "ending"], strict=False):
        wait_for(tmp_path / path)
        process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status
    assert error.splitlines() == (["vaekit: interrupted"] if status == 130 else [])
