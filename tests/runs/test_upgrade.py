"""Run folders of format 1 are upgraded while they are read, and not changed on disk."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import vaekit
from conftest import QUIET, small_images
from raising import raises
from vaekit.config.upgrade import CONFIG_KEYS_1, upgrade_config
from vaekit.errors import ConfigError
from vaekit.runs import load_config
from vaekit.runs.upgrade import upgrade_history, upgrade_summary

pytestmark = pytest.mark.slow

RELEASED = sorted((Path(__file__).parents[1] / "run_folders").glob("*-format-*"))


@pytest.fixture(params=RELEASED, ids=lambda path: path.name)
def folder(request, tmp_path):
    """A copy of a run of a released version, next to its dataset."""
    shutil.copytree(request.param, tmp_path / "run")
    data = small_images()
    np.savez(tmp_path / "bars.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    return tmp_path / "run"


def checksums(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_there_is_a_run_of_format_1():
    formats = [yaml.safe_load((run / "config.yaml").read_text())["format"] for run in RELEASED]
    assert 1 in formats


def test_a_released_run_encodes_and_has_its_metrics(folder):
    expected = json.loads((folder / "expected.json").read_text())
    run = vaekit.load_run(folder)
    codes = run.encode(np.array(expected["x"], dtype=np.uint8))
    np.testing.assert_allclose(codes.mean, expected["mu"], rtol=1e-4, atol=1e-5)
    assert run.config.format == vaekit.config.FORMAT
    assert run.summary["data"]["examples"] == {"train": 49, "validation": 5, "test": 6}
    assert run.history["step"] == [3.0, 6.0]


def test_a_released_run_evaluates_to_the_metrics_of_its_summary(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    run = vaekit.load_run(folder)
    metrics = vaekit.evaluate(run, importance_samples=1, seed=run.config.seed).to_dict()
    for name, metric in run.summary["test"].items():
        assert metrics[name]["value"] == pytest.approx(metric["value"], rel=1e-5)
        assert metrics[name]["standard_error"] == pytest.approx(metric["standard_error"], rel=1e-4)


def test_a_released_run_is_plotted(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder.parent)
    paths = vaekit.plot(folder, ["curves", "latent", "losses"], out=tmp_path / "plots")
    assert all(path.stat().st_size > 1000 for path in paths)


def test_a_released_configuration_trains_again_in_the_current_format(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    run = vaekit.train(str(folder / "config.yaml"), out=folder.parent / "again", console=QUIET)
    recorded = load_config(folder)
    changes = {"source": recorded.data.source, "normalize": None}  # newly recorded
    assert run.config.changed({"data": changes}) == recorded
    assert yaml.safe_load((run.path / "config.yaml").read_text())["format"] == vaekit.config.FORMAT


def test_upgrading_does_not_change_the_disk(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder.parent)
    before = checksums(folder)
    run = vaekit.load_run(folder)
    vaekit.evaluate(run, importance_samples=1)
    vaekit.plot(run, "curves", out=tmp_path / "plots")
    assert checksums(folder) == before


# --- Each step -------------------------------------------------------------------------------


def test_every_renamed_key_of_a_configuration_is_upgraded():
    old = {
        section: {name: i for i, name in enumerate(names)}
        for section, names in CONFIG_KEYS_1.items()
    }
    content = {"format": 1, "seed": 3, **{s: {**keys, "kept": True} for s, keys in old.items()}}
    upgraded = upgrade_config(content)
    assert upgraded["format"] == 2 and upgraded["seed"] == 3
    for section, names in CONFIG_KEYS_1.items():
        expected = {new: old[section][name] for name, new in names.items()}
        assert upgraded[section] == {**expected, "kept": True}


def test_a_configuration_with_every_renamed_key_is_valid():
    content = {
        "format": 1,
        "data": {"limit": 9, "buffer": 7, "readers": 3, "streamed_rows": 5},
        "training": {"updates": 11, "clip": 0.5},
        "prior_stage": {"updates": 13},
        "posterior": {"kind": "vector-quantised", "revive": 0.25},
        "prior": "uniform",
    }
    config = vaekit.config.validate(upgrade_config(content))
    assert (config.data.train_size, config.data.shuffle_buffer) == (9, 7)
    assert (config.data.num_workers, config.data.streamed_examples) == (3, 5)
    assert (config.training.max_steps, config.training.grad_clip_norm) == (11, 0.5)
    assert config.prior_stage.max_steps == 13
    posterior = config.part("posterior")
    assert (posterior.kind, posterior.dead_code_threshold) == ("vector-quantized", 0.25)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("vector-quantised", "vector-quantized"),
        ({"kind": "vector-quantised", "codes": 4}, {"kind": "vector-quantized", "codes": 4}),
        ({"kind": "categorical"}, {"kind": "categorical"}),
        (None, None),
    ],
)
def test_kinds_of_parts_are_renamed_alone_and_with_options(old, new):
    assert upgrade_config({"format": 1, "posterior": old})["posterior"] == new


def test_content_of_the_current_format_is_not_changed():
    content = {"format": 2, "data": {"limit": 3}, "test": {"divergence": None}}
    assert upgrade_config(content) == content
    assert upgrade_summary(content) == content
    assert upgrade_config({"data": {"limit": 3}}) == {"data": {"limit": 3}}


def test_a_newer_format_is_refused():
    for upgrade in (upgrade_config, upgrade_summary):
        with raises(ConfigError, "format"):
            upgrade({"format": 3})


def test_a_summary_names_examples_and_gives_the_reason_for_a_missing_metric():
    loss = {"value": 3.0, "standard_error": 0.1}
    upgraded = upgrade_summary(
        {
            "format": 1,
            "unit": "nats per row",
            "data": {
                "rows": {"train": 5},
                "streamed": {"shards": 2, "rows": 7},
                "validation": "the test rows, as in the original protocol",
            },
            "test": {"loss": loss, "divergence": None, "why_no_divergence": "no density"},
            "epochs": 4,
        }
    )
    assert upgraded == {
        "format": 2,
        "unit": "nats per example",
        "data": {
            "examples": {"train": 5},
            "streamed": {"shards": 2, "examples": 7},
            "validation": "the test examples, as in the original protocol",
        },
        "test": {"loss": loss, "divergence": {"value": None, "unavailable": "no density"}},
        "epochs": 4,
    }


@pytest.mark.parametrize("content", [{"data": 3, "test": []}, {"data": {"streamed": 1}}, {}])
def test_a_summary_of_other_types_is_left_to_the_validation(content):
    upgraded = upgrade_summary({"format": 1, **content})
    assert {name: upgraded[name] for name in content} == content


def test_the_columns_of_a_history_are_renamed_in_order():
    columns = {"epoch": [1.0], "updates": [3.0], "train_loss": [2.0]}
    assert list(upgrade_history(columns).items()) == [
        ("epoch", [1.0]),
        ("step", [3.0]),
        ("train_loss", [2.0]),
    ]
