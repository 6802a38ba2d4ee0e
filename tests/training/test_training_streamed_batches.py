"""Training from shards: every example once per epoch, equal batches after resuming."""

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_training_resume import Stopped, facts

import vaekit
from conftest import QUIET, small_images, tensor_bytes, train_small
from raising import raises
from tar_fixtures import png, write_shards, write_tar
from vaekit.data import load
from vaekit.errors import ConfigError, DataError, Interrupted
from vaekit.inputs.streaming import StreamedInputs
from vaekit.runs.example_selection import select_examples
from vaekit.runs.run_data import RunData
from vaekit.runtime.distributed import ProcessInfo
from vaekit.training.batches import ONE_PROCESS
from vaekit.training.streamed_batches import StreamedBatches

pytestmark = pytest.mark.process

pytest.importorskip("webdataset", reason="shards need webdataset")
DATA = small_images(examples=100)


def batches(
    source: str,
    *,
    examples: int = 80,
    size: int = 10,
    workers: int = 2,
    process: ProcessInfo = ONE_PROCESS,
    seed: int = 0,
):
    data = load(source)
    inputs = StreamedInputs(
        *(data.train.x, data.support.transform(("unit",)), None, data.train.y),
        stream=data.stream,
        epoch_examples=examples,
        shuffle_buffer=16,
        num_workers=workers,
        support=data.support,
        classes=data.classes,
    )
    return StreamedBatches(inputs, size, seed, process)


def names(of: StreamedBatches) -> list[str]:
    return [name for _ in of for name in of.current_examples()]


@pytest.mark.parametrize("readers", [1, 2, 4, 9])
def test_an_epoch_has_every_example_once_in_its_own_order(tmp_path, readers):
    found = batches(write_shards(tmp_path, DATA.train, 5), workers=readers)
    first, second = names(found), names(found)
    assert sorted(first) == sorted(second) and len(set(first)) == 80 and len(found) == 8
    assert first != second and first != sorted(first)
    assert first == names(batches(str(tmp_path / "part-{0..4}.tar"), workers=readers))
    assert first != names(batches(str(tmp_path / "part-{0..4}.tar"), workers=readers, seed=1))


def test_batches_have_the_examples_and_labels_of_the_shards(tmp_path):
    found = batches(write_shards(tmp_path, DATA.train, 5))
    for batch in found:
        rows = [int(name.split()[-1]) for name in found.current_examples()]
        assert np.array_equal(batch.x, DATA.train.x[rows]) and np.array_equal(
            batch.y, DATA.train.y[rows]
        )


@pytest.mark.parametrize("readers", [1, 2, 3])
@pytest.mark.parametrize("stop", [1, 3, 8])
def test_batches_are_equal_after_resuming(tmp_path, readers, stop):
    where = write_shards(tmp_path, DATA.train, 5)
    calm, stopped = (batches(where, workers=readers) for _ in range(2))
    wanted = names(calm) + names(calm)
    for _, _ in zip(range(stop), stopped, strict=False):
        pass
    again = batches(where, workers=readers)
    again.move_to(stopped.epoch, stopped.position)
    rest = names(again) + (names(again) if stop < 8 else [])
    assert rest == wanted[10 * stop :]


def test_processes_read_shards_of_their_own(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    found = [names(batches(where, process=ProcessInfo(rank, 2))) for rank in range(2)]
    assert [len(part) for part in found] == [40, 40] and len({*found[0], *found[1]}) == 80


def test_an_epoch_longer_than_the_shards_reads_them_again(tmp_path):
    found = names(batches(write_shards(tmp_path, DATA.train, 5), examples=170, workers=1))
    assert len(found) == 170 and len(set(found[:80])) == 80 and found[:80] != found[80:160]


def test_a_single_shard_is_in_another_order_in_every_pass(tmp_path):
    found = names(batches(write_shards(tmp_path, DATA.train, 2), examples=100, workers=1))
    assert sorted(found[:50]) == sorted(found[50:])
    assert found[:50] != found[50:]


def test_a_resumed_run_from_shards_equals_an_uninterrupted_one(tmp_path):
    data = {"source": write_shards(tmp_path, DATA.train, 5), "num_workers": 2, "shuffle_buffer": 16}
    calm = train_small(tmp_path / "calm", data, objective=Stopped(-1, signal.SIGINT))
    assert calm.summary["data"]["streamed"] == {"shards": 4, "examples": 80}
    assert calm.history["step"] == [5, 10]
    with pytest.raises(Interrupted):
        train_small(tmp_path / "run", data, objective=Stopped(7, signal.SIGINT))
    vaekit.resume(tmp_path / "run", objective=Stopped(-1, signal.SIGINT), console=QUIET)
    assert facts(tmp_path / "run") == facts(tmp_path / "calm")


def test_a_run_is_evaluated_on_the_examples_set_aside(tmp_path):
    run = train_small(
        tmp_path / "run",
        {"source": write_shards(tmp_path, DATA.train, 5), "train_size": 40},
        conditional=True,
    )
    rows = run.summary["data"]["examples"]
    assert (rows["validation"], rows["test"]) == (2, 2) and run.history["step"] == [3, 6]
    assert vaekit.evaluate(run, importance_samples=2, generated_examples=0).examples == 2
    own = RunData.load(run)
    assert set(own.training_sample(100, 0).indices) == set(own.split.validation)
    examples = select_examples(run, data=tmp_path / "part-0.tar").examples
    assert len(run.encode(examples).mean) == 20
    with raises(DataError):
        select_examples(run, data=str(tmp_path / "part-{0..4}.tar"))


def test_a_class_without_examples_set_aside_is_rejected(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    write_tar(tmp_path / "part-2.tar", {"a.png": png(DATA.train.x[0]), "a.cls": b"cat"})
    with raises(DataError):
        train_small(tmp_path / "run", where, conditional=True)


def colored() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    "files",
    [
        {"a.png": b"no image"},
        {"a.png": png(DATA.train.x[0][:, :4])},
        {"a.png": png(DATA.train.x[0]), "b.png": png(DATA.train.x[0][:, :4])},
        {"a.png": colored()},
        {},
    ],
    ids=["no image", "another size", "two sizes", "color", "empty"],
)
def test_a_shard_that_cannot_be_read_stops_the_run_in_one_line(tmp_path, files):
    where = write_shards(tmp_path, DATA.train, 3)
    for name in ("part-0.tar", "part-1.tar"):
        write_tar(tmp_path / name, {})
    write_tar(tmp_path / "part-1.tar", files)
    with raises(DataError):
        train_small(tmp_path / "run", {"source": where, "train_size": 80, "num_workers": 1})


def test_empty_shards_are_skipped(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    write_tar(tmp_path / "part-1.tar", {})
    assert len(names(batches(where, workers=4))) == 80


def test_training_has_the_configured_shuffle_buffer(tmp_path):
    where = write_shards(tmp_path, DATA.train, 2)
    weights = set()
    for size in (1, 16):
        data = {"source": where, "num_workers": 1, "shuffle_buffer": size}
        run = train_small(tmp_path / str(size), data, training={"epochs": 1})
        weights.add(tensor_bytes(run.path / "model.safetensors"))
    assert len(weights) == 2


def test_the_number_of_steps_is_the_configured_one(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    run = train_small(
        tmp_path / "run", where, training={"epochs": None, "max_steps": 11, "batch_size": 50}
    )
    assert run.history["step"][-1] == 12  # of two batches an epoch


def test_the_count_of_streamed_examples_is_not_used_for_other_data(tmp_path):
    run = train_small(
        tmp_path / "run", write_shards(tmp_path, DATA.train, 5), training={"epochs": 1}
    )
    np.save(tmp_path / "bars.npy", DATA.train.x)
    again = vaekit.train(
        str(run.path / "config.yaml"),
        data=str(tmp_path / "bars.npy"),
        out=tmp_path / "again",
        console=QUIET,
    )
    assert again.summary["data"]["examples"]["train"] == 81


@pytest.mark.nightly
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")
def test_workers_do_not_outlive_a_killed_training(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    command = [
        sys.executable,
        "-m",
        "vaekit",
        "train",
        "mlp",
        "--data",
        where,
        "--train-size",
        "100000",
        "--epochs",
        "100",
    ]
    process = subprocess.Popen(
        [*command, "--batch-size", "5000", "--out", tmp_path / "run"], stderr=subprocess.DEVNULL
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(readers := children.read_text().split()) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1)  # their pipes are full
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{reader}").exists() for reader in readers):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.usefixtures("script")
def test_fewer_shards_than_processes_and_binarization_are_rejected(tmp_path):
    where = write_shards(tmp_path, DATA.train, 2)
    with raises(ConfigError):
        train_small(tmp_path / "run", where, training={"devices": 2})
    with raises(ConfigError):
        train_small(tmp_path / "run", {"source": where, "binarize": "threshold"})
    assert not (tmp_path / "run").exists()
