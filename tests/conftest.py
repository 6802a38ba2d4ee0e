"""Fixtures that all tests share: small data, a small trained run, a quiet terminal."""

import os
import signal
import sys
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

# The same numbers everywhere: the GPU has its own benchmark.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# Nets this small gain nothing from more threads, and waiting threads slow one another down.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch
from rich.console import Console

import vaekit
from browser_fixtures import address, bars, browser, explorer, page_of  # noqa: F401 - fixtures
from faulty_servers import cache, server  # noqa: F401 - fixtures
from vaekit.cli import main
from vaekit.data import Dataset, Examples, Support

QUIET = Console(quiet=True)

# Processes that tests start import the package that is tested, not another one that is installed.
SOURCE = str(Path(vaekit.__file__).parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))


@pytest.fixture(autouse=True)
def fixed_noise():
    """Every test draws the same random numbers, whichever test ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def small_images(
    examples: int = 60, shape: tuple[int, int, int] = (1, 8, 8), classes: int = 3
) -> Dataset:
    """Images of bars, one class per orientation, as bytes."""
    rng = np.random.default_rng(0)
    y = np.arange(examples) % classes
    x = rng.integers(0, 40, (examples, *shape), dtype=np.uint8)
    for i, label in enumerate(y):
        position = rng.integers(0, min(shape[1:]))
        if label % 2:
            x[i, :, position] = 230
        else:
            x[i, :, :, position] = 230 - 60 * (label // 2)
    return Dataset(
        "bars",
        Examples(x, y.astype(np.int64)),
        None,
        Support("integers", 256),
        tuple("abcdef"[:classes]),
    )


def train_small(out, data=None, *, plots=False, **options):
    """A small run; nested options are merged with the options of a small model.

    Its plots take twenty times as long as its training: they are drawn on request.
    """
    settings = {
        "training": {"epochs": 2, "batch_size": 16, "device": "cpu"},
        "encoder": {"hidden": [8]},
        "decoder": {"hidden": [8]},
    }
    for name, value in options.items():
        if isinstance(value, dict):
            settings[name] = {**settings.get(name, {}), **value}
        else:
            settings[name] = value
    if data is None:
        data = small_images()
    with with_plots() if plots else nullcontext():
        return vaekit.train("mlp", data=data, out=out, **{"console": QUIET} | settings)


# By its name, since the package has the function of that name.
TRAIN_MODULE = import_module("vaekit.workflows.train")
PLOT_RUN_DATA = TRAIN_MODULE.plot_run_data
TRAIN_MODULE.plot_run_data = lambda data: []


def with_plots():
    """A block in which training draws its plots; elsewhere it draws none, which would take long."""
    return patch.object(TRAIN_MODULE, "plot_run_data", PLOT_RUN_DATA)


def tensor_bytes(path: Path) -> bytes:
    """The tensors of a safetensors file; its header also names the run."""
    content = path.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """A finished run on `small_images`, read from a file so that it can be opened again.

    Tests must not change it.
    """
    folder = tmp_path_factory.mktemp("small")
    data = small_images()
    np.savez(folder / "bars.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    return train_small(folder / "run", str(folder / "bars.npz"), plots=True, latent_dim=3)


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """Let SIGINT interrupt these processes: in the background of a script a shell ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A nightly test is a slow one too, which the fast tier leaves out."""
    for item in items:
        if item.get_closest_marker("nightly"):
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With CI=true, where everything must be installed, a skipped test is a failure."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true does not allow: {report.longrepr}"
    return report


@pytest.fixture
def script(monkeypatch):
    """A program that torchrun could start again; pytest itself is none if it runs in parallel."""
    monkeypatch.setattr(sys, "argv", ["train.py"])


@pytest.fixture
def cli(monkeypatch, capsys, tmp_path):
    """Run a command in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["vaekit", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return end.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture
def refused(cli, tmp_path):
    """Run a command that must fail with status 2, and return the one line of its error.

    It prints nothing on standard output and leaves no file.
    """

    def run(*arguments):
        before = sorted(tmp_path.rglob("*"))
        status, out, err = cli(*arguments)
        assert (status, out, err.count("\n")) == (2, "", 1), (status, out, err)
        assert err.startswith("vaekit")
        assert sorted(tmp_path.rglob("*")) == before
        return err

    return run
