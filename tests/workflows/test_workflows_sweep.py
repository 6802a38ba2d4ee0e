"""A recipe under several settings: ordinary runs, made once."""

import numpy as np
import pytest

import vaekit
from conftest import QUIET, small_images
from vaekit.cli.parse import grid
from vaekit.errors import ConfigError, OutputError
from vaekit.workflows.sweep import sweep

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
    assert [row["run"] for row in found["runs"]] == names
    for row in found["runs"]:
        run = vaekit.load_run(tmp_path / "betas" / row["run"])
        assert (run.config.objective.beta, run.config.latent_dim) == (
            float(row["objective.beta"]),
            int(row["latent_dim"]),
        )
        assert row["loss"] == run.summary["test"]["loss"]["value"]
        assert row["loss"] == pytest.approx(row["reconstruction"] + row["divergence"])
    assert found["files"] == [str(tmp_path / "betas/rate-distortion.png")]


def test_options_of_the_data_go_with_their_path(tmp_path, bars):
    found = sweep(
        "mlp",
        {"seed": ["1", "2"], "data.train_size": ["20"]},
        data=bars,
        out=tmp_path / "s",
        **SMALL,
    )
    for row in found["runs"]:
        assert vaekit.load_run(tmp_path / "s" / row["run"]).summary["data"]["rows"]["train"] == 20
    with pytest.raises(ConfigError, match=r"data\.limit is about data that are read"):
        sweep(
            "mlp",
            {"seed": ["1", "2"], "data.train_size": ["20"]},
            data=small_images(),
            out=tmp_path / "t",
            **SMALL,
        )


def test_a_sweep_that_is_run_again_trains_nothing_twice(tmp_path, bars):
    first = sweep("mlp", {"seed": ["1", "2"]}, data=bars, out=tmp_path / "s", **SMALL)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").glob("*/*.*")}
    (tmp_path / "s/seed=2/summary.json").unlink()  # as if it had been stopped there
    again = sweep("mlp", {"seed": ["1", "2", "3"]}, data=bars, out=tmp_path / "s", **SMALL)
    figures = [
        {k: v for k, v in row.items() if k != "seconds"}
        for row in (*first["runs"], *again["runs"][:2])
    ]
    assert figures[:2] == figures[2:] and len(again["runs"]) == 3
    unchanged = [path for path in times if path.parent.name == "seed=1"]
    assert unchanged and all(path.stat().st_mtime_ns == times[path] for path in unchanged)


def test_a_folder_with_a_run_of_another_configuration_is_left_alone(tmp_path, bars):
    sweep("mlp", {"seed": ["1", "2"]}, data=bars, out=tmp_path / "s", **SMALL)
    with pytest.raises(OutputError, match="seed=1 exists"):
        sweep("mlp", {"seed": ["1", "2"]}, data=bars, out=tmp_path / "s", latent_dim=7, **SMALL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "a sweep has 2 to 100 runs, not 1"),
        ({"seed": ["1"]}, "a sweep has 2 to 100 runs, not 1"),
        ({"seed": [str(i) for i in range(101)]}, "a sweep has 2 to 100 runs, not 101"),
        ({"seed": ["1", "1"]}, "some of these are the same"),
        ({"objective.betta": ["1", "2"]}, "betta"),
    ],
)
def test_what_is_refused(tmp_path, bars, settings, message):
    with pytest.raises(ConfigError, match=message):
        sweep("mlp", settings, data=bars, out=tmp_path / "s", **SMALL)
    assert not (tmp_path / "s").exists()


def test_commas_part_values_but_not_within_brackets():
    found = grid(
        [
            "objective.beta=0.5,1",
            "decoder.hidden=[64,32],[8]",
            "likelihood={kind: gaussian, scale: 1},bernoulli",
        ]
    )
    assert found == {
        "objective.beta": ["0.5", "1"],
        "decoder.hidden": ["[64,32]", "[8]"],
        "likelihood": ["{kind: gaussian, scale: 1}", "bernoulli"],
    }


@pytest.mark.parametrize("setting", ["objective.beta", "objective.beta=", "=1,2"])
def test_a_setting_without_values_is_refused(setting):
    with pytest.raises(ConfigError, match="a key once, with its values"):
        grid([setting])
