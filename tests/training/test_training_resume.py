"""A resumed run has the same weights, history and summary as an uninterrupted one."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import vaekit
from conftest import QUIET, TRAIN_MODULE, small_images, train_small
from hostile.limited import snapshot
from raising import raises
from vaekit import runs
from vaekit.errors import DataError, Interrupted, RunError
from vaekit.inference.bounds import elbo_sums
from vaekit.objectives import ELBO
from vaekit.runs import claim_existing

pytestmark = pytest.mark.slow

TIMES = {"seconds", "samples_per_second"}


class Stopped:
    """ELBO that raises a signal at one step, the first time only."""

    def __init__(self, step: int, number: int):
        self.step, self.number, self.elbo = step, number, ELBO()

    def __call__(self, model, x, *, step=None):
        if step == self.step:
            self.step = -1
            os.kill(os.getpid(), self.number)
        return self.elbo(model, x, step=step)


def facts(run: Path):
    """All that must not depend on interruptions."""
    with (run / "metrics.csv").open() as file:
        rows = [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]
    summary = json.loads((run / "summary.json").read_text())
    summary.pop("seconds")
    for row in (*rows, summary):
        row.pop("run_id")
    files = ("model.safetensors", "checkpoints/last.safetensors")
    tensors = [
        {name: tensor.tolist() for name, tensor in load_file(run / file).items()} for file in files
    ]
    return (tensors, rows, summary)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calm") / "run"
    train_small(folder, training={"epochs": 4, "patience": 3}, objective=Stopped(-1, signal.SIGINT))
    return facts(folder)


@contextmanager
def claimed_late(folder: Path, change: Callable[[], object], **options):
    """`claim_existing`, before which another process has changed the run."""
    change()
    with claim_existing(folder, **options) as claim:
        yield claim


@pytest.fixture
def interrupted(tmp_path):
    """A run of two epochs that was interrupted before its end."""
    with raises(Interrupted):
        train_small(tmp_path / "run", objective=Stopped(3, signal.SIGINT))
    return tmp_path / "run"


def test_the_configuration_is_read_after_the_folder_was_claimed(interrupted, monkeypatch):
    config = interrupted / "config.yaml"

    def change() -> None:
        config.write_text(config.read_text().replace("epochs: 2\n", "epochs: 3\n"))

    monkeypatch.setattr(runs, "claim_existing", partial(claimed_late, change=change))
    run = vaekit.resume(interrupted, data=small_images(), objective=ELBO(), console=QUIET)
    assert run.history["epoch"] == [1, 2, 3]


def test_a_run_that_another_process_finished_meanwhile(interrupted, monkeypatch):
    def finish() -> None:
        monkeypatch.undo()
        vaekit.resume(interrupted, data=small_images(), objective=ELBO(), console=QUIET)
        finished.append(snapshot(interrupted))

    finished: list[dict] = []
    monkeypatch.setattr(runs, "claim_existing", partial(claimed_late, change=finish))
    run = vaekit.resume(interrupted, data=small_images(), objective=ELBO(), console=QUIET)
    assert run.summary and snapshot(interrupted) == finished[0]


@pytest.mark.parametrize("step", [0, 1, 2, 3, 5, 8, 10, 11], ids=lambda step: f"step{step}")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_stops_between_two_batches_and_resume_ends_equal(tmp_path, calm, step, number):
    objective = Stopped(step, number)
    with raises(Interrupted):
        train_small(tmp_path / "run", training={"epochs": 4, "patience": 3}, objective=objective)
    assert not (tmp_path / "run/summary.json").exists()
    vaekit.resume(tmp_path / "run", data=small_images(), objective=objective, console=QUIET)
    assert facts(tmp_path / "run") == calm


@pytest.mark.parametrize("epoch", [1, 4])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_a_validation_and_resume_repeats_it(
    tmp_path, calm, monkeypatch, epoch, number
):
    validations = []

    def elbo_sums_with_a_signal(*args, **options):
        validations.append("begun")
        if len(validations) == epoch:
            os.kill(os.getpid(), number)
            validations.append("not interrupted")
        return elbo_sums(*args, **options)

    monkeypatch.setattr(TRAIN_MODULE, "elbo_sums", elbo_sums_with_a_signal)
    objective = Stopped(-1, number)
    with raises(Interrupted):
        train_small(tmp_path / "run", training={"epochs": 4, "patience": 3}, objective=objective)
    assert validations == ["begun"] * epoch
    vaekit.resume(tmp_path / "run", data=small_images(), objective=objective, console=QUIET)
    assert facts(tmp_path / "run") == calm


def test_ctrl_c_while_a_run_is_finished_leaves_it_resumable(tmp_path, calm, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    objective = Stopped(-1, signal.SIGINT)
    with monkeypatch.context() as patched, raises(Interrupted):
        patched.setattr(TRAIN_MODULE, "plot_run_data", interrupted)
        train_small(tmp_path / "run", training={"epochs": 4, "patience": 3}, objective=objective)
    assert not (tmp_path / "run/summary.json").exists()
    vaekit.resume(tmp_path / "run", data=small_images(), objective=objective, console=QUIET)
    assert facts(tmp_path / "run") == calm


def test_a_run_can_be_stopped_again_and_again(tmp_path, calm):
    objective = Stopped(1, signal.SIGINT)
    with pytest.raises(Interrupted):
        train_small(tmp_path / "run", training={"epochs": 4, "patience": 3}, objective=objective)
    for step in (2, 5, 7, 10):
        objective.step = step
        with pytest.raises(Interrupted):
            vaekit.resume(tmp_path / "run", data=small_images(), objective=objective, console=QUIET)
    vaekit.resume(tmp_path / "run", data=small_images(), objective=objective, console=QUIET)
    assert facts(tmp_path / "run") == calm


def test_seconds_include_those_before_the_interruption(tmp_path):
    objective = Stopped(8, signal.SIGINT)
    with raises(Interrupted):
        train_small(tmp_path / "run", training={"epochs": 4}, objective=objective)
    run = vaekit.resume(tmp_path / "run", data=small_images(), objective=objective, console=QUIET)
    assert min(run.history["seconds"]) > 0
    assert run.summary["seconds"] == pytest.approx(sum(run.history["seconds"]), rel=1e-6)


def test_patience_survives_a_kill_after_the_last_epoch(tmp_path):
    options = {"optimizer": {"kind": "sgd", "lr": 1e-30}, "training": {"epochs": 20, "patience": 2}}
    train_small(tmp_path / "run", **options)
    before = facts(tmp_path / "run")
    (tmp_path / "run/summary.json").unlink()
    vaekit.resume(tmp_path / "run", data=small_images(), console=QUIET)
    assert facts(tmp_path / "run") == before


@pytest.mark.parametrize(
    "gone",
    [["checkpoints/last.safetensors"], ["checkpoints/last.safetensors", "split.npz"]],
    ids=["early", "at once"],
)
def test_a_run_killed_before_its_first_checkpoint_restarts_to_the_same_end(tmp_path, gone):
    train_small(tmp_path / "run")
    before = facts(tmp_path / "run")
    for name in (*gone, "summary.json", "metrics.csv", "model.safetensors"):
        (tmp_path / "run" / name).unlink()
    vaekit.resume(tmp_path / "run", data=small_images(), console=QUIET)
    assert facts(tmp_path / "run") == before


def test_signal_handlers_are_restored(tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    train_small(tmp_path / "run")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.nightly
def test_kill_9_within_an_epoch(tmp_path):
    data = small_images(examples=2000)
    np.savez(tmp_path / "bars.npz", x=data.train.x, y=data.train.y)
    options = [
        "mlp",
        "--data",
        str(tmp_path / "bars.npz"),
        "--epochs",
        "6",
        "--batch-size",
        "8",
        "--device",
        "cpu",
        "--set",
        "training.checkpoint_seconds=0.05",
        "--set",
        "encoder.hidden=[8]",
        "--set",
        "decoder.hidden=[8]",
    ]

    def start(*arguments):
        command = [sys.executable, "-m", "vaekit", "train", *arguments]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    assert start(*options, "--out", str(tmp_path / "calm")).wait() == 0
    killed = start(*options, "--out", str(tmp_path / "run"))
    metrics = tmp_path / "run/metrics.csv"
    while not metrics.exists() and killed.poll() is None:
        time.sleep(0.01)
    time.sleep(0.15)
    killed.kill()
    killed.wait()
    assert not (tmp_path / "run/summary.json").exists()
    assert start("--resume", str(tmp_path / "run")).wait() == 0
    assert facts(tmp_path / "run") == facts(tmp_path / "calm")


def test_resuming_a_finished_run_changes_nothing(small_run):
    before = facts(small_run.path)
    assert vaekit.resume(small_run.path, console=QUIET).summary == small_run.summary
    assert facts(small_run.path) == before


def test_a_corrupt_checkpoint_is_rejected(tmp_path):
    objective = Stopped(5, signal.SIGINT)
    with pytest.raises(Interrupted):
        train_small(tmp_path / "run", objective=objective)
    checkpoint = tmp_path / "run/checkpoints/last.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-200])
    with raises(RunError):
        vaekit.resume(tmp_path / "run", data=small_images(), objective=objective, console=QUIET)


def test_the_checkpoint_of_another_run_is_rejected(tmp_path):
    objective = Stopped(5, signal.SIGINT)
    for name, latent_dim in (("run", 2), ("other", 3)):
        with pytest.raises(Interrupted):
            train_small(tmp_path / name, objective=Stopped(5, signal.SIGINT), latent_dim=latent_dim)
    name = "checkpoints/last.safetensors"
    shutil.copy(tmp_path / "other" / name, tmp_path / "run" / name)
    with raises(RunError):
        vaekit.resume(tmp_path / "run", data=small_images(), objective=objective, console=QUIET)


def test_an_interrupt_ends_the_command_with_130(tmp_path):
    options = (
        "mlp",
        "--data",
        "digits",
        "--epochs",
        "100000",
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "run"),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "vaekit", "train", *options], stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "run/metrics.csv").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert "SIGINT" in process.communicate()[1]
    assert process.returncode == 130


def test_changed_data_are_rejected(tmp_path):
    objective = Stopped(5, signal.SIGINT)
    with pytest.raises(Interrupted):
        train_small(tmp_path / "run", objective=objective)
    with raises(DataError):
        vaekit.resume(
            tmp_path / "run", data=small_images(examples=61), objective=objective, console=QUIET
        )
    with raises(DataError):
        vaekit.resume(tmp_path / "run", objective=objective, console=QUIET)


def test_stochastic_binarization_differs_per_epoch_and_is_equal_after_resuming(tmp_path):
    np.save(tmp_path / "bars.npy", small_images().train.x)
    data, seen = {"source": str(tmp_path / "bars.npy"), "binarize": "dynamic"}, []

    class Recording(Stopped):
        def __call__(self, model, x, *, step=None):
            if step is not None:
                seen.append(x.sum(0))
            return super().__call__(model, x, step=step)

    training = {"epochs": 3, "batch_size": 1000}
    calm = train_small(
        tmp_path / "calm", data, training=training, objective=Recording(-1, signal.SIGINT)
    )
    assert (
        len(seen) == 3 and not torch.equal(seen[0], seen[1]) and not torch.equal(seen[1], seen[2])
    )
    assert (
        all(set(x.unique().tolist()) <= set(range(49)) for x in seen)
        and str(calm.support) == "binary"
    )
    with pytest.raises(Interrupted):
        train_small(
            tmp_path / "run", data, training=training, objective=Recording(1, signal.SIGINT)
        )
    vaekit.resume(tmp_path / "run", objective=Recording(-1, signal.SIGINT), console=QUIET)
    assert all(map(torch.equal, seen[:3], seen[3:]))
    assert facts(tmp_path / "run") == facts(tmp_path / "calm")
