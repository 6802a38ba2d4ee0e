"""Two processes equal one: examples, noise, statistics; a killed one is restarted."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from multiprocess import CASES, DATA, train

import vaekit
from conftest import tensor_bytes, train_small
from raising import raises
from vaekit.errors import ConfigError, OutputError
from vaekit.inputs import ModelInputs
from vaekit.runtime.distributed import ProcessInfo
from vaekit.training.batches import Batches

pytestmark = pytest.mark.process

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def environment() -> dict[str, str]:
    """Of processes that import the modules of the tests beside the package that is tested."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(here.parent), str(here), os.environ["PYTHONPATH"]])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def torchrun(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [*TORCHRUN, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def test_processes_import_the_package_that_is_tested(tmp_path):
    command = [sys.executable, "-c", "import vaekit; print(vaekit.__file__)"]
    for env in (environment(), None):
        options = {"env": env, "cwd": tmp_path, "capture_output": True, "text": True}
        done = subprocess.run(command, check=True, **options)
        assert done.stdout.strip() == vaekit.__file__


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    process = torchrun(str(Path(__file__).with_name("multiprocess.py")), str(folder))
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return folder


@pytest.mark.parametrize("name", CASES)
def test_two_processes_equal_one(tmp_path, by_two, name):
    one, two = train(name, tmp_path), vaekit.load_run(by_two / name)
    figures = {k for k in one.history if k.startswith(("train_", "val_"))}
    for figure in figures:
        assert two.history[figure] == pytest.approx(one.history[figure], rel=1e-8, abs=1e-8)
    assert two.summary["test"]["loss"]["value"] == pytest.approx(
        one.summary["test"]["loss"]["value"], abs=1e-8
    )
    for key, value in one.model.state_dict().items():
        torch.testing.assert_close(two.model.state_dict()[key], value, rtol=0, atol=1e-8)


def test_each_process_has_its_own_examples_of_every_batch():
    # No transform: examples are only selected.
    inputs = ModelInputs(np.arange(117)[:, None], None)  # type: ignore[arg-type]
    whole = Batches(inputs, 20, seed=3)
    shares = [Batches(inputs, 20, 3, ProcessInfo(rank, 4)) for rank in range(4)]
    for batch, *parts in zip(whole, *shares, strict=True):
        together = torch.cat([part.x for part in parts])
        assert len({len(part.x) for part in parts}) == 1
        assert torch.equal(together, batch.x[: len(together)]) and len(batch.x) - len(together) < 4


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def options_of(data: Path) -> list[str]:
    """The options of `vaekit train` for a training of some seconds."""
    options = {"--data": str(data), "--epochs": "3", "--batch-size": "8", "--device": "cpu"}
    return ["mlp", *chain.from_iterable(options.items())]


@pytest.mark.nightly
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")
def test_a_killed_worker_is_restarted_and_the_run_ends_equal(tmp_path):
    np.save(tmp_path / "bars.npy", DATA.train.x[np.arange(1600) % len(DATA.train.x)])
    options = [
        "-m",
        "vaekit",
        "train",
        *options_of(tmp_path / "bars.npy"),
        "--set",
        "training.checkpoint_seconds=0.2",
        "--set",
        "encoder.hidden=[8]",
    ]
    calm = torchrun(*options, "--out", str(tmp_path / "calm"))
    output = calm.communicate(timeout=200)[0]
    assert calm.returncode == 0, output
    run = torchrun(
        "--max-restarts", "2", *options, "--out", str(tmp_path / "run"), start_new_session=True
    )
    while not (tmp_path / "run/metrics.csv").exists():
        assert run.poll() is None
        time.sleep(0.02)
    os.kill(children(run.pid)[1], signal.SIGKILL)
    output = run.communicate(timeout=200)[0]
    assert run.returncode == 0, output
    saved = [tensor_bytes(tmp_path / name / "model.safetensors") for name in ("run", "calm")]
    assert saved[0] == saved[1]
    rows = [vaekit.load_run(tmp_path / name).history["val_loss"] for name in ("calm", "run")]
    assert rows[0] == rows[1]


@pytest.mark.usefixtures("script")
def test_a_batch_that_cannot_be_divided_is_rejected(tmp_path):
    with raises(ConfigError):
        vaekit.train(
            "mlp",
            data=DATA,
            out=tmp_path / "run",
            training={"batch_size": 21, "devices": 2, "device": "cpu"},
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.nightly
def test_the_command_starts_its_own_processes(tmp_path):
    np.save(tmp_path / "bars.npy", DATA.train.x)
    options = [
        "--data",
        str(tmp_path / "bars.npy"),
        "--epochs",
        "2",
        "--batch-size",
        "24",
        "--precision",
        "64-true",
    ]
    for name, devices in (("one", "1"), ("two", "2")):
        command = [
            sys.executable,
            "-m",
            "vaekit",
            "train",
            "mlp",
            *options,
            "--devices",
            devices,
            "--device",
            "cpu",
        ]
        done = subprocess.run(
            [*command, "--out", tmp_path / name, "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["run"] == str(
            tmp_path / name
        )  # the first process alone prints
    one, two = (vaekit.load_run(tmp_path / name) for name in ("one", "two"))
    assert two.history["val_loss"] == pytest.approx(one.history["val_loss"], rel=1e-8)


@pytest.mark.nightly
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")
def test_a_signal_to_one_process_stops_all_and_the_run_goes_on(tmp_path):
    np.save(tmp_path / "bars.npy", DATA.train.x[np.arange(1600) % len(DATA.train.x)])
    options = options_of(tmp_path / "bars.npy")
    run = torchrun("-m", "vaekit", "train", *options, "--out", str(tmp_path / "run"))
    while not (tmp_path / "run/metrics.csv").exists():
        assert run.poll() is None
        time.sleep(0.02)
    os.kill(children(run.pid)[1], signal.SIGINT)
    output = run.communicate(timeout=100)[0]
    assert "vaekit train --resume" in output
    assert not (tmp_path / "run/summary.json").exists()
    again = torchrun("-m", "vaekit", "train", "--resume", str(tmp_path / "run"))
    output = again.communicate(timeout=100)[0]
    assert again.returncode == 0, output
    assert len(vaekit.load_run(tmp_path / "run").history["epoch"]) == 3


def test_a_restart_resumes_only_its_own_run(tmp_path, monkeypatch):
    first = train_small(tmp_path / "run", data=DATA)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert train_small(tmp_path / "run", data=DATA).summary == first.summary
    with raises(OutputError):
        train_small(tmp_path / "run", data=DATA, seed=5)


def test_a_leftover_rank_variable_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert (train_small(tmp_path / "run", data=DATA).path / "summary.json").exists()


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"nodes": 2}, "training.nodes"),
        ({"devices": 300, "batch_size": 300}, "training.devices"),
        ({"devices": 0}, "training.devices"),
    ],
)
def test_impossible_processes_are_rejected_before_anything_is_written(tmp_path, options, parameter):
    with raises(ConfigError):
        train_small(
            tmp_path / "run", data=DATA, training={"device": "cpu", "batch_size": 20, **options}
        )
    assert not (tmp_path / "run").exists()


def test_an_interactive_program_has_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    with raises(ConfigError):
        train_small(tmp_path / "run", data=DATA, training={"devices": 2, "batch_size": 20})


@pytest.mark.usefixtures("script")
def test_batches_of_the_second_stage_are_divided_too(tmp_path):
    options = {
        "posterior": "vector-quantized",
        "prior": "autoregressive",
        "prior_stage": {"batch_size": 31},
    }
    with raises(ConfigError):
        train_small(
            tmp_path / "run", data=DATA, training={"devices": 2, "batch_size": 20}, **options
        )


def test_a_restartable_run_needs_a_path(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    with raises(ConfigError):
        vaekit.train("mlp", data=DATA)
