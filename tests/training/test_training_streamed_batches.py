"""Training from shards: every row once an epoch, the same batches again after a stop, one line for what cannot be read."""

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
from conftest import QUIET, small_images, train_small
from tar_fixtures import png, write_shards, write_tar
from vaekit.data import load
from vaekit.errors import ConfigError, DataError, Interrupted
from vaekit.inputs.streaming import StreamedInputs
from vaekit.runs.run_data import find_examples
from vaekit.runtime.distributed import ProcessInfo
from vaekit.training.streamed_batches import StreamedBatches
from vaekit.workflows import use

pytest.importorskip("webdataset", reason="shards need webdataset")
DATA = small_images(rows=100)


def batches(
    where: str,
    *,
    rows: int = 80,
    size: int = 10,
    readers: int = 2,
    process: ProcessInfo = ProcessInfo(),
    seed: int = 0,
):  # noqa: B008
    data = load(where)
    inputs = StreamedInputs(
        *(data.train.x, data.support.transform(("unit",)), None, data.train.y),
        stream=data.stream,
        epoch_rows=rows,
        buffer=16,
        readers=readers,
        support=data.support,
        classes=data.classes,
    )
    return StreamedBatches(inputs, size, seed, process)


def names(of: StreamedBatches) -> list[str]:
    return [name for _ in of for name in of.rows()]


@pytest.mark.parametrize("readers", [1, 2, 4, 9])
def test_an_epoch_has_every_row_once_in_an_order_of_its_own(tmp_path, readers):
    found = batches(write_shards(tmp_path, DATA.train, 5), readers=readers)
    first, second = names(found), names(found)
    assert sorted(first) == sorted(second) and len(set(first)) == 80 and len(found) == 8
    assert first != second and first != sorted(first)
    assert first == names(batches(str(tmp_path / "part-{0..4}.tar"), readers=readers))
    assert first != names(batches(str(tmp_path / "part-{0..4}.tar"), readers=readers, seed=1))


def test_batches_have_the_rows_and_classes_that_the_shards_have(tmp_path):
    found = batches(write_shards(tmp_path, DATA.train, 5))
    for batch in found:
        rows = [int(name.split()[-1]) for name in found.rows()]
        assert np.array_equal(batch.x, DATA.train.x[rows]) and np.array_equal(
            batch.y, DATA.train.y[rows]
        )


@pytest.mark.parametrize("readers", [1, 2, 3])
@pytest.mark.parametrize("stop", [1, 3, 8])
def test_after_a_stop_the_same_batches_come(tmp_path, readers, stop):
    where = write_shards(tmp_path, DATA.train, 5)
    calm, stopped = (batches(where, readers=readers) for _ in range(2))
    wanted = names(calm) + names(calm)
    for _, _ in zip(range(stop), stopped, strict=False):
        pass
    again = batches(where, readers=readers)
    again.load_state_dict(stopped.state_dict())
    rest = names(again) + (names(again) if stop < 8 else [])
    assert rest == wanted[10 * stop :]


def test_processes_read_shards_of_their_own(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    found = [names(batches(where, process=ProcessInfo(rank, 2))) for rank in range(2)]
    assert [len(part) for part in found] == [40, 40] and len({*found[0], *found[1]}) == 80


def test_an_epoch_longer_than_the_shards_reads_them_again(tmp_path):
    found = names(batches(write_shards(tmp_path, DATA.train, 5), rows=170, readers=1))
    assert len(found) == 170 and len(set(found[:80])) == 80 and found[:80] != found[80:160]


def test_a_run_from_shards_stops_and_goes_on_as_if_it_had_not(tmp_path):
    data = {"source": write_shards(tmp_path, DATA.train, 5), "readers": 2, "buffer": 16}
    calm = train_small(tmp_path / "calm", data, objective=Stopped(-1, signal.SIGINT))
    assert calm.summary["data"]["streamed"] == {"shards": 4, "rows": 80}
    assert calm.metrics["updates"] == [5, 10]
    with pytest.raises(Interrupted):
        train_small(tmp_path / "run", data, objective=Stopped(7, signal.SIGINT))
    vaekit.resume(tmp_path / "run", objective=Stopped(-1, signal.SIGINT), console=QUIET)
    assert facts(tmp_path / "run") == facts(tmp_path / "calm")


def test_what_was_set_aside_judges_the_run(tmp_path):
    run = train_small(
        tmp_path / "run",
        {"source": write_shards(tmp_path, DATA.train, 5), "train_size": 40},
        conditional=True,
    )
    rows = run.summary["data"]["rows"]
    assert (rows["validation"], rows["test"]) == (2, 2) and run.history["updates"] == [3, 6]
    assert vaekit.evaluate(run, samples=2)["rows"] == 2
    assert len(use.encode(run, find_examples(run, data=tmp_path / "part-0.tar")[0]).mean) == 20
    with pytest.raises(
        DataError, match="are several shards, which are for training: give one at a time"
    ):
        find_examples(run, data=str(tmp_path / "part-{0..4}.tar"))


def test_a_class_that_was_not_set_aside_is_refused_in_one_line(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    write_tar(tmp_path / "part-2.tar", {"a.png": png(DATA.train.x[0]), "a.cls": b"cat"})
    with pytest.raises(
        DataError,
        match=r"^'part-2.tar: a' has the class 'cat', the rows set aside have 0, 1, 2: have",
    ):
        train_small(tmp_path / "run", where, conditional=True)


def coloured() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.png": b"no image"}, "^'part-1.tar: a.png' cannot be read"),
        ({"a.png": png(DATA.train.x[0][:, :4])}, r"has rows of shape \(1, 4, 8\), the model takes"),
        ({"a.png": png(DATA.train.x[0]), "b.png": png(DATA.train.x[0][:, :4])}, "is 8x8.*--resize"),
        ({"a.png": coloured()}, "'part-1.tar: a.png' is in colour, those before are gray"),
        ({}, "the shards hold no rows: look into one"),
    ],
)
def test_a_shard_that_cannot_be_read_stops_the_run_in_one_line(tmp_path, files, message):
    where = write_shards(tmp_path, DATA.train, 3)
    for name in ("part-0.tar", "part-1.tar"):
        write_tar(tmp_path / name, {})
    write_tar(tmp_path / "part-1.tar", files)
    with pytest.raises(DataError, match=message) as error:
        train_small(tmp_path / "run", {"source": where, "train_size": 80, "readers": 1})
    assert "\n" not in str(error.value)


def test_shards_without_rows_among_others_are_passed_over(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    write_tar(tmp_path / "part-1.tar", {})
    assert len(names(batches(where, readers=4))) == 80


def test_as_many_updates_are_made_as_asked_for(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    run = train_small(
        tmp_path / "run", where, training={"epochs": None, "updates": 11, "batch_size": 50}
    )
    assert run.history["updates"][-1] == 12  # of two batches an epoch


def test_rows_that_were_counted_are_not_those_of_other_data(tmp_path):
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
    assert again.summary["data"]["rows"]["train"] == 81


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")
def test_readers_do_not_outlive_a_training_that_is_killed(tmp_path):
    where = write_shards(tmp_path, DATA.train, 5)
    command = [
        sys.executable,
        "-m",
        "vaekit",
        "train",
        "mlp",
        "--data",
        where,
        "--limit",
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
def test_fewer_shards_than_processes_and_rows_to_be_binarised_are_refused(tmp_path):
    where = write_shards(tmp_path, DATA.train, 2)
    with pytest.raises(ConfigError, match="1 rows or shards are too few for 2 processes"):
        train_small(tmp_path / "run", where, training={"devices": 2})
    with pytest.raises(ConfigError, match=r"data\.binarize is for rows in memory"):
        train_small(tmp_path / "run", {"source": where, "binarize": "threshold"})
    assert not (tmp_path / "run").exists()
