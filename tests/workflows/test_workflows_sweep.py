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


def test_every_combination_is_an_ordinary_run(tmp_path, bars, monkeypatch):
    drawn, draw = [], vaekit.plots.rate_distortion

    def record(*arguments, **options):
        drawn.append(arguments)
        return draw(*arguments, **options)

    monkeypatch.setattr(vaekit.plots, "rate_distortion", record)
    settings = {"objective.beta": ["0.5", "4"], "latent_dim": ["1", "2"], "training.epochs": ["1"]}
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
        assert row.epochs == 1  # the setting, not the option
    assert found.files == (tmp_path / "betas/rate-distortion.png",)
    rates = [row.divergence.value for row in found.runs]
    distortions = [row.reconstruction.value for row in found.runs]
    assert [tuple(map(list, each)) for each in drawn] == [(names, rates, distortions)]


def test_the_epochs_of_a_run_are_all_that_it_trained(tmp_path, bars):
    idle = {"optimizer": {"kind": "sgd", "lr": 1e-30}, **SMALL}
    found = sweep("mlp", {"seed": ["1", "2"]}, data=bars, out=tmp_path / "s", **idle)
    runs = [vaekit.load_run(tmp_path / "s" / row.name) for row in found.runs]
    assert [run.best_epoch for run in runs] == [1, 1]
    assert [row.epochs for row in found.runs] == [2, 2]


def test_runs_without_a_divergence_have_no_plot(tmp_path, bars):
    plain = {"posterior": "deterministic", "objective": "reconstruction-only", **SMALL}
    found = sweep("mlp", {"seed": ["1", "2"]}, data=bars, out=tmp_path / "s", **plain)
    assert [row.divergence.value for row in found.runs] == [None, None]
    assert found.files == ()


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


def test_seeds_have_a_spread_beside_the_error_over_examples(tmp_path, bars):
    grid = {"latent_dim": ["1", "2"]}
    found = sweep("mlp", grid, seeds=2, data=bars, out=tmp_path / "s", **SMALL)
    assert [run.settings["seed"] for run in found.runs] == ["0", "1", "0", "1"]
    assert len(found.seed_spreads) == 2
    for spread, first in zip(found.seed_spreads, (0, 2), strict=True):
        runs = found.runs[first : first + 2]
        assert spread.runs == tuple(run.name for run in runs)
        losses = [run.loss.value for run in runs]
        assert spread.deviation == pytest.approx(np.std(losses, ddof=1))
    paths = [tmp_path / "s" / name for name in found.seed_spreads[0].runs]
    (compared,) = vaekit.compare(paths, split="train").seed_spreads
    assert len(compared.runs) == 2 and compared.deviation > 0


@pytest.mark.parametrize(
    ("grid", "seeds"), [({"seed": ["1", "2"]}, 3), ({}, 1), ({}, 101), ({"latent_dim": ["1"]}, 0)]
)
def test_invalid_seeds_are_refused(tmp_path, bars, grid, seeds):
    with raises(ConfigError, "seeds"):
        sweep("mlp", grid, seeds=seeds, data=bars, out=tmp_path / "s", **SMALL)


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
