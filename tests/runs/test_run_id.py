"""Files of two runs are told apart by the run id that all files of a run carry."""

import shutil

import pytest
import yaml

import vaekit
from conftest import QUIET, small_images, tensor_bytes, train_small
from raising import raises
from vaekit.errors import RunError, WorkError
from vaekit.objectives import ELBO
from vaekit.runs import RUN_ID
from vaekit.runs.lock import LOCK
from vaekit.runs.run_data import RunData

FILES = ("config.yaml", "model.safetensors", "metrics.csv", "summary.json", "split.npz")


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """Two runs of the same configuration, equal but for their run ids."""
    folder = tmp_path_factory.mktemp("twins")
    data = small_images()
    return [train_small(folder / name, data) for name in ("one", "other")]


def mixed(twins, tmp_path, name: str):
    """A copy of the first run with one file of the second."""
    shutil.copytree(twins[0].path, tmp_path / "run")
    shutil.copy(twins[1].path / name, tmp_path / "run" / name)
    return tmp_path / "run"


def test_equal_runs_have_equal_weights_and_different_ids(twins):
    saved = [tensor_bytes(run.path / "model.safetensors") for run in twins]
    assert saved[0] == saved[1]
    assert twins[0].run_id != twins[1].run_id
    assert all(vaekit.load_run(run.path).run_id == run.run_id for run in twins)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_run_is_refused(twins, tmp_path, name):
    folder = mixed(twins, tmp_path, name)
    with raises(RunError):
        RunData.load(vaekit.load_run(folder), small_images())


def test_the_checkpoint_of_another_run_is_refused(twins, tmp_path):
    folder = mixed(twins, tmp_path, "checkpoints/last.safetensors")
    (folder / "summary.json").unlink()
    with raises(RunError):
        vaekit.resume(folder, data=small_images(), console=QUIET)


@pytest.mark.parametrize("value", ["", "0" * 31, "G" * 32, 7, ["a"], "../" * 10, None])
def test_an_invalid_or_missing_id_does_not_match(twins, tmp_path, value):
    shutil.copytree(twins[0].path, tmp_path / "run")
    path = tmp_path / "run/config.yaml"
    content = yaml.safe_load(path.read_text()) | {RUN_ID: value}
    path.write_text(yaml.safe_dump(content))
    with raises(RunError):
        vaekit.load_run(tmp_path / "run")


class TakenOver(ELBO):
    """ELBO during which, at one step, another process takes over the folder."""

    def __init__(self, step: int, take):
        super().__init__()
        self.step = step
        self.take = take

    def __call__(self, model, x, y=None, *, step=None):
        if step == self.step:
            self.take()
        return super().__call__(model, x, *(() if y is None else (y,)), step=step)


def test_a_training_whose_folder_was_taken_over_stops_and_writes_no_more(tmp_path):
    folder = tmp_path / "run"

    def take() -> None:
        (folder / LOCK).unlink()
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_text("other")

    with raises(WorkError):
        train_small(folder, training={"epochs": 3}, objective=TakenOver(4, take))
    contents = {path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert contents == {"other"}
