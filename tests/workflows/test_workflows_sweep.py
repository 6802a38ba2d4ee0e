"""A sweep: ordinary runs of every combination, trained once."""

import numpy as np
import pytest

import vaekit
from conftest import QUIET, small_images
from raising import raises
from vaekit.errors import ConfigError, OutputError
from vaekit.workflows.sweep import sweep

pytestmark = pytest.mark.slow

SMALL = {
    "training": {"epochs": 2, "batch_size": 16, "device": "cpu"},
    "encoder": {"hidden": [8]},
    "decoder": {"hidden": [8]},
    "console": QUIET,
}


@pytest.fixture
def bars(tmp_path):
    np.save(tmp_path / "bars.npy", small_images().train.x)
    return str(tmp_path / "bars.npy")


def test_every_combination_is_an_ordinary_run(tmp_path, bars):
    settings = {"objective.beta": ["0.5", "4"], "latent_dim": ["1", "2"]}
    found = sweep("mlp", settings, data=bars, out=tmp_path / "betas", **SMALL)
    names = [
        "beta=0.5,latent_dim=1",
        "beta=0.5,latent_dim=2",
        "beta=4,latent_dim=1",
        "beta=4,latent_dim=2",
    ]
    assert [row.name for row in found.runs] == names
    for row in found.runs:
        run = vaekit.load_run(tmp_path / "betas" / row.name)
        assert (run.config.objective.beta, run.config.latent_dim) == (
            float(row.settings["objective.beta"]),
            int(row.settings["latent_dim"]),
        )
        assert row.loss.to_dict() == run.summary["test"]["loss"]
        assert row.loss.standard_error > 0
        sum_of_terms = row.reconstruction.value + row.divergence.value
        assert row.loss.value == pytest.approx(sum_of_terms)
    assert found.files == (tmp_path / "betas/rate-distortion.png",)


def test_options_of_reading_need_a_path(tmp_path, bars):
    found = sweep(
        "mlp",
        {"seed": ["1", "2"], "data.train_size": ["20"]},
        data=bars,
        out=tmp_path / "s",
        **SMALL,
    )
    for row in found.runs:
        assert vaekit.load_run(tmp_path / "s" / row.name).summary["data"]["examples"]["train"] == 20
    with raises(ConfigError):
        sweep(
            "mlp",
            {"seed": ["1", "2"], "data.train_size": ["20"]},
            data=small_images(),
            out=tmp_path / "t",
            **SMALL,
        )


def test_a_repeated_sweep_trains_nothing_twice(tmp_path, bars):
    first = sweep("mlp", {"seed": ["1", "2"]}, data=bars, out=tmp_path / "s", **SMALL)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").glob("*/*.*")}
    (tmp_path / "s/seed=2/summary.json").unlink()  # as if it had been stopped there
    again = sweep("mlp", {"seed": ["1", "2", "3"]}, data=bars, out=tmp_path / "s", **SMALL)
    figures = [
        {k: v for k, v in run.to_dict().items() if k != "seconds"}
        for run in (*first.runs, *again.runs[:2])
    ]
    assert figures[:2] == figures[2:] and len(again.runs) == 3
    unchanged = [path for path in times if path.parent.name == "seed=1"]
    assert unchanged and all(path.stat().st_mtime_ns == times[path] for path in unchanged)


def test_a_run_of_another_configuration_is_not_overwritten(tmp_path, bars):
    sweep("mlp", {"seed": ["1", "2"]}, data=bars, out=tmp_path / "s", **SMALL)
    with raises(OutputError):
        sweep("mlp", {"seed": ["1", "2"]}, data=bars, out=tmp_path / "s", latent_dim=7, **SMALL)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"seed": ["1"]},
        {"seed": [str(i) for i in range(101)]},
        {"seed": ["1", "1"]},
        {"objective.betta": ["1", "2"]},
    ],
)
def test_invalid_grids_are_rejected(tmp_path, bars, settings):
    with raises(ConfigError):
        sweep("mlp", settings, data=bars, out=tmp_path / "s", **SMALL)
    assert not (tmp_path / "s").exists()
