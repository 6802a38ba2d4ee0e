"""Two processes train what one does: same rows, same noise, same statistics; and go on when one of them dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from in_processes import CASES, DATA, train

import vaekit
from vaekit.errors import ConfigError
from vaekit.inputs import Inputs
from vaekit.sharing import Share
from vaekit.training.batches import Batches

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def torchrun(*arguments: str, **options) -> subprocess.Popen:
    path = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*TORCHRUN, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    process = torchrun(str(Path(__file__).with_name("in_processes.py")), str(folder))
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return folder


@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_what_one_does(tmp_path, by_two, name):
    one, two = train(name, tmp_path), vaekit.load_run(by_two / name)
    figures = {k for k in one.metrics if k.startswith(("train_", "val_"))}
    for figure in figures:
        assert two.metrics[figure] == pytest.approx(one.metrics[figure], rel=1e-8, abs=1e-8)
    assert two.summary["test"]["loss"]["value"] == pytest.approx(one.summary["test"]["loss"]["value"], abs=1e-8)
    for key, value in one.model.state_dict().items():
        torch.testing.assert_close(two.model.state_dict()[key], value, rtol=0, atol=1e-8)


def test_each_process_takes_its_own_rows_of_every_batch():
    inputs = Inputs(np.arange(117)[:, None], None)  # type: ignore[arg-type] - rows are only taken
    whole = Batches(inputs, 20, seed=3)
    shares = [Batches(inputs, 20, 3, Share(rank, 4)) for rank in range(4)]
    for batch, *parts in zip(whole, *shares, strict=True):
        together = torch.cat([part.x for part in parts])
        assert len({len(part.x) for part in parts}) == 1
        assert torch.equal(together, batch.x[: len(together)]) and len(batch.x) - len(together) < 4


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")
def test_a_worker_that_is_killed_is_started_again_and_the_run_ends_alike(tmp_path):
    np.save(tmp_path / "bars.npy", DATA.train.x[np.arange(4000) % len(DATA.train.x)])
    options = [
        *("-m", "vaekit", "train", "mlp", "--data", str(tmp_path / "bars.npy"), "--epochs", "4", "--batch-size", "8"),
        *("--device", "cpu", "--set", "training.checkpoint_seconds=0.2", "--set", "encoder.hidden=[8]"),
    ]
    calm = torchrun(*options, "--out", str(tmp_path / "calm"))
    output = calm.communicate(timeout=200)[0]
    assert calm.returncode == 0, output
    run = torchrun("--max-restarts", "2", *options, "--out", str(tmp_path / "run"), start_new_session=True)
    while not (tmp_path / "run/metrics.csv").exists():
        assert run.poll() is None
        time.sleep(0.02)
    os.kill(children(run.pid)[1], signal.SIGKILL)
    output = run.communicate(timeout=200)[0]
    assert run.returncode == 0, output
    assert (tmp_path / "run/model.safetensors").read_bytes() == (tmp_path / "calm/model.safetensors").read_bytes()
    rows = [vaekit.load_run(tmp_path / name).metrics["val_loss"] for name in ("calm", "run")]
    assert rows[0] == rows[1]


def test_a_batch_that_cannot_be_shared_out_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^training\.batch_size = 21 cannot be shared out evenly among 2 processes"):
        vaekit.train("mlp", data=DATA, out=tmp_path / "run", training={"batch_size": 21, "devices": 2, "device": "cpu"})
    assert not (tmp_path / "run").exists()


def test_what_may_be_restarted_needs_a_name(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    with pytest.raises(ConfigError, match=r"give --out$"):
        vaekit.train("mlp", data=DATA)
