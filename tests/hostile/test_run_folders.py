"""A run folder from elsewhere is refused in one line, or works; it executes and spoils nothing."""

import base64
import shutil
from pathlib import Path

import numpy as np
import pytest

import vaekit
from conftest import QUIET, small_images, train_small
from hostile.limited import run_limited
from hostile.outcomes import faults
from hostile.run_folders import LOADED, RESUMED, WEIGHTS, each, tensors
from raising import raises
from vaekit.errors import NonFiniteError, OutputError
from vaekit.objectives import ELBO
from vaekit.workflows.report import report

TESTS = Path(__file__).parents[1]
ERRORS = ("RunError", "ConfigError", "DataError", "OutputError")

SETUP = """
import shutil
from pathlib import Path

import pytest

import vaekit
from conftest import QUIET, small_images, train_small
from hostile.run_folders import LOADED, RESUMED
from vaekit.errors import Interrupted
from vaekit.objectives import ELBO
from vaekit.runs.run_data import RunData

DATA = small_images()


class Stopped(ELBO):
    def __call__(self, model, x, y=None, *, step=None):
        if step == 4:
            raise KeyboardInterrupt
        return super().__call__(model, x, *(() if y is None else (y,)), step=step)


train_small(Path("finished"), DATA)
with pytest.raises(Interrupted):
    training = {"epochs": 3, "checkpoint_seconds": 1e-9}
    train_small(Path("unfinished"), DATA, objective=Stopped(), training=training)


def copied(origin):
    shutil.rmtree("run", ignore_errors=True)
    shutil.rmtree("elsewhere", ignore_errors=True)
    return Path(shutil.copytree(origin, "run"))


def load(name):
    folder = copied("finished")
    LOADED[name](folder)
    RunData.load(vaekit.load_run(folder), DATA).examples("test")


def resume(name):
    folder = copied("unfinished")
    if name:
        RESUMED[name](folder)
    return vaekit.resume(folder, data=DATA, objective=ELBO(), console=QUIET).summary["epochs"]
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    cases = {f"load {name}": f"load({name!r})" for name in LOADED}
    cases |= {f"resume {name}": f"resume({name!r})" for name in ("", *RESUMED)}
    folder = tmp_path_factory.mktemp("hostile")
    return run_limited(cases, setup=SETUP, folder=folder, environment={"PYTHONPATH": str(TESTS)})


@pytest.mark.process
@pytest.mark.parametrize("name", [f"load {name}" for name in LOADED])
def test_a_spoiled_folder_is_refused(outcomes, name):
    assert not faults(name, outcomes.get(name), errors=ERRORS)


@pytest.mark.process
@pytest.mark.parametrize("name", [f"resume {name}" for name in RESUMED])
def test_a_spoiled_checkpoint_is_refused(outcomes, name):
    assert not faults(name, outcomes.get(name), errors=ERRORS)


@pytest.mark.process
def test_an_unspoiled_checkpoint_is_resumed(outcomes):
    assert outcomes["resume "].value == "3"


# --- In use --------------------------------------------------------------------------------------


@pytest.fixture
def folder(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return tmp_path / "run"


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


# --- Links ---------------------------------------------------------------------------------------


@pytest.fixture
def linked(folder, tmp_path):
    """A run whose plots and checkpoints are links to folders with files of someone else."""
    for name in ("plots", "checkpoints"):
        victim = tmp_path / f"victim-{name}"
        victim.mkdir()
        for file in ("curves.png", "last.safetensors", "last.ckpt"):
            (victim / file).write_text("mine")
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).symlink_to(victim)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """All files beside a run folder, with their contents."""
    files = [path for path in folder.parent.glob("victim*/*") if path.is_file()]
    return {str(path): path.read_text() for path in files}


WRITES = {
    "plot": lambda folder: vaekit.plot(folder, "curves"),
    "overwrite": lambda folder: train_small(folder, overwrite=True),
}


@pytest.mark.parametrize("write", WRITES)
def test_links_in_a_run_folder_are_followed_by_nothing(linked, write):
    before = contents(linked)
    with raises(OutputError):
        WRITES[write](linked)
    assert contents(linked) == before


def test_a_report_shows_no_plots_behind_a_link(linked):
    for path in linked.parent.glob("victim*/*.png"):
        path.write_bytes(b"\x89PNG\r\n\x1a\n secret")
    evaluation = vaekit.evaluate(linked, data=small_images(), importance_samples=2)
    page = report(linked, evaluation).read_text()
    assert base64.b64encode(b"secret").decode() not in page
    assert "<img" not in page


@pytest.mark.slow
def test_a_checkpoint_behind_a_link_is_not_read(linked):
    (linked / "summary.json").unlink()
    before = contents(linked)
    with raises(OutputError):
        vaekit.resume(linked, data=small_images(), objective=ELBO(), console=QUIET)
    assert contents(linked) == before


@pytest.mark.parametrize("name", ["report.html", "metrics.csv", "summary.json", "config.yaml"])
def test_a_file_that_is_a_link_is_replaced_and_not_written_through(folder, tmp_path, name):
    victim = tmp_path / "victim.txt"
    shutil.copy(folder / name if (folder / name).exists() else __file__, victim)
    before = victim.read_bytes()
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(victim)
    if name == "config.yaml":
        with raises(OutputError):  # not read either, so that it is no run folder
            train_small(folder, overwrite=True)
    else:
        train_small(folder, overwrite=True)
    assert victim.read_bytes() == before
    assert name in ("config.yaml", "report.html") or not (folder / name).is_symlink()


def test_the_run_folder_itself_may_be_a_link(small_run, tmp_path):
    (tmp_path / "latest").symlink_to(small_run.path)
    assert vaekit.load_run(tmp_path / "latest").summary == small_run.summary
    assert (tmp_path / "latest").is_symlink()
