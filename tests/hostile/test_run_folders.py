"""A run folder from elsewhere is refused in one line, or works; it executes and spoils nothing."""

import shutil

import numpy as np
import pytest

import vaekit
from conftest import QUIET, small_images, train_small
from hostile.run_folders import LOADED, RESUMED, WEIGHTS, each, tensors
from raising import raises
from vaekit.errors import Interrupted, NonFiniteError, RequestError
from vaekit.objectives import ELBO
from vaekit.runs.run_data import RunData


@pytest.fixture
def folder(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("name", LOADED)
def test_a_spoiled_folder_is_refused(folder, name):
    LOADED[name](folder)
    with raises(RequestError):
        RunData.load(vaekit.load_run(folder), small_images()).examples("test")


class Stopped(ELBO):
    """ELBO that is interrupted within the second epoch."""

    def __call__(self, model, x, y=None, *, step=None):
        if step == 4:
            raise KeyboardInterrupt
        return super().__call__(model, x, *(() if y is None else (y,)), step=step)


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unfinished") / "run"
    options = {"training": {"epochs": 3, "checkpoint_seconds": 1e-9}}
    with raises(Interrupted):
        train_small(folder, objective=Stopped(), **options)
    return folder


@pytest.mark.parametrize("name", RESUMED)
def test_a_spoiled_checkpoint_is_refused(unfinished, tmp_path, name):
    shutil.copytree(unfinished, tmp_path / "run")
    RESUMED[name](tmp_path / "run")
    with raises(RequestError):
        vaekit.resume(tmp_path / "run", data=small_images(), objective=ELBO(), console=QUIET)


def test_an_unspoiled_checkpoint_is_resumed(unfinished, tmp_path):
    shutil.copytree(unfinished, tmp_path / "run")
    run = vaekit.resume(tmp_path / "run", data=small_images(), objective=ELBO(), console=QUIET)
    assert run.summary["epochs"] == 3


USES = {
    "encode": lambda run, x: run.encode(x),
    "decode": lambda run, x: run.decode(run.sample_latents(20, seed=0)[0]),
    "sample": lambda run, x: run.sample(3, seed=0),
    "sample of the likelihood": lambda run, x: run.sample(3, seed=0, sample_likelihood=True),
    "reconstruct": lambda run, x: run.reconstruct(x),
    "score": lambda run, x: run.score(x),
    "impute": lambda run, x: run.impute(x, np.ones(x.shape, bool), iterations=2),
}


@pytest.mark.parametrize("use", USES)
def test_weights_that_overflow_in_use_are_noticed(folder, use):
    tensors(WEIGHTS, each(lambda x: 1e38 * x.sign()))(folder)
    run = vaekit.load_run(folder)
    with raises(NonFiniteError):
        USES[use](run, small_images().train.x[:3])
