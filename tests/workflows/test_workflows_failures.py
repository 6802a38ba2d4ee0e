"""A plot or a metric that fails costs nothing but itself."""

import io
import json

import pytest
from rich.console import Console

import vaekit
from conftest import TRAIN_MODULE, small_images, with_plots
from raising import raises
from vaekit.errors import DataError, WorkError
from vaekit.run_plots.registry import PLOTS
from vaekit.runs.run_data import RunData

pytestmark = pytest.mark.slow

SHORT = {"training": {"epochs": 1, "batch_size": 16, "device": "cpu"}}


def out_of_memory(*args, **options):
    raise MemoryError("cannot allocate 3 GiB.\nNot here, not now.")


def test_a_failing_plot_costs_a_training_a_line_and_nothing_else(tmp_path, monkeypatch):
    printed = io.StringIO()
    monkeypatch.setitem(PLOTS, "latent", out_of_memory)
    monkeypatch.setitem(PLOTS, "samples", out_of_memory)
    for name in PLOTS.keys() - {"latent", "samples", "curves", "losses"}:
        monkeypatch.delitem(PLOTS, name)
    with with_plots():
        data = small_images()
        run = vaekit.train("mlp", data=data, out=tmp_path, console=Console(file=printed), **SHORT)
    lines = [line for line in printed.getvalue().splitlines() if "MemoryError" in line]
    assert len(lines) == 2
    assert "latent" in lines[0] and "samples" in lines[1]
    assert json.loads((tmp_path / "summary.json").read_text()) == run.summary
    drawn = {path.stem for path in (tmp_path / "plots").glob("*.png")}
    assert drawn == {"curves", "losses"}


def test_a_failing_test_metric_does_not_cost_the_summary(tmp_path, monkeypatch):
    monkeypatch.setattr(TRAIN_MODULE, "elbo_per_example", out_of_memory)
    printed = Console(quiet=True)
    vaekit.train("mlp", data=small_images(), out=tmp_path, console=printed, **SHORT)
    test = vaekit.load_run(tmp_path).summary["test"]
    assert test["loss"]["value"] is None
    assert "MemoryError" in test["loss"]["unavailable"]


def test_all_plots_that_can_be_drawn_are_drawn(small_run, tmp_path, monkeypatch):
    monkeypatch.setitem(PLOTS, "latent", out_of_memory)
    with raises(WorkError):
        vaekit.plot(small_run, ["curves", "latent", "losses"], out=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "losses.png"]


def test_the_command_names_the_plots_that_failed(cli, small_run, monkeypatch):
    monkeypatch.setitem(PLOTS, "latent", out_of_memory)
    status, _, error = cli("plot", small_run.path, "curves", "latent", "--out", "plots")
    assert status == 1
    assert "latent" in error and "curves" not in error


def test_the_only_plot_that_fails_keeps_its_error(small_run, tmp_path, monkeypatch):
    monkeypatch.setitem(PLOTS, "latent", out_of_memory)
    with pytest.raises(MemoryError):
        vaekit.plot(small_run, "latent", out=tmp_path)


def test_data_that_no_plot_can_read_keep_their_error(small_run, tmp_path, monkeypatch):
    def gone(*args):
        raise DataError("the data are gone. Restore them.", parameter="data")

    monkeypatch.setattr(RunData, "load", gone)
    with raises(DataError, "data"):
        vaekit.plot(small_run, ["latent", "losses"], out=tmp_path)
