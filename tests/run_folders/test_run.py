"""Run folders: what is written can be read back; what is damaged, foreign or hostile is refused in one line."""

import json
import os
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

import vaekit
from vaekit import runs as store
from vaekit.atomic_io import atomic_write, atomic_write_bytes
from vaekit.errors import DataError, OutputError, RunError

RELEASED = sorted((Path(__file__).parent / "runs").glob("*"))


@pytest.fixture
def copy(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return tmp_path / "run"


def edit_config(run: Path, change) -> None:
    given = yaml.safe_load((run / "config.yaml").read_text())
    change(given)
    (run / "config.yaml").write_text(yaml.safe_dump(given))


def refused(run: Path) -> str:
    with pytest.raises(RunError) as error:
        vaekit.load_run(run)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_run_folder_holds_what_its_format_says(small_run):
    names = {
        str(path.relative_to(small_run.path))
        for path in small_run.path.rglob("*")
        if path.is_file()
    }
    pictures = (
        "latent",
        "grid",
        "reconstructions",
        "samples",
        "nearest",
        "curves",
        "dimensions",
        "losses",
    )
    assert names == {
        *(
            "config.yaml",
            "model.safetensors",
            "metrics.csv",
            "summary.json",
            "split.npz",
            "checkpoints/last.ckpt",
        ),
        *(f"plots/{name}.png" for name in pictures),
    }


def test_loading_brings_back_the_model_its_figures_and_its_configuration(small_run):
    found = vaekit.load_run(small_run.path)
    assert found.config == small_run.config
    assert found.metrics == small_run.metrics
    assert found.summary == small_run.summary
    assert not found.model.training
    for name, tensor in small_run.model.state_dict().items():
        assert torch.equal(found.model.state_dict()[name], tensor)


def test_the_recorded_configuration_repeats_the_run(small_run, tmp_path):
    again = vaekit.train(str(small_run.path / "config.yaml"), out=tmp_path / "again")
    assert (again.path / "model.safetensors").read_bytes() == (
        small_run.path / "model.safetensors"
    ).read_bytes()


def test_the_recorded_configuration_is_complete(small_run):
    def left_open(options, path=()):
        for name, value in options.items():
            if isinstance(value, dict):
                yield from left_open(value, (*path, name))
            elif value is None:
                yield ".".join((*path, name))

    assert set(left_open(small_run.config.model_dump())) == {
        *(
            "data.test",
            "data.resize",
            "data.binarize",
            "data.train_size",
            "data.streamed_examples",
            "training.patience",
            "training.grad_clip_norm",
        ),
        "prior_stage.epochs",  # of a stage that this run has not
        *("training.devices", "training.nodes"),  # as it is started, so it runs
    }


@pytest.mark.parametrize("run", RELEASED, ids=lambda run: run.name)
def test_a_run_of_every_released_format_loads(run):
    loaded = vaekit.load_run(run)
    expected = json.loads((run / "expected.json").read_text())
    x = np.array(expected["x"], dtype=np.uint8)
    np.testing.assert_allclose(loaded.encode(x).mean, expected["mu"], rtol=1e-4, atol=1e-5)


def test_there_is_a_run_of_the_current_format():
    assert RELEASED
    assert max(store.load_config(run).format for run in RELEASED) == vaekit.config.FORMAT


# --- Raw data --------------------------------------------------------------------------------------------------------------


def test_raw_rows_are_scaled_as_in_training(small_run):
    x = np.full((2, 1, 8, 8), 255, dtype=np.uint8)
    assert small_run.prepare(x).max() == 1.0
    expected = small_run.model.encode(torch.ones(2, 1, 8, 8)).mean
    assert torch.equal(small_run.encode(x).mean, expected)
    assert torch.equal(small_run.encode(torch.from_numpy(x)).mean, expected)


def test_samples_and_reconstructions_come_in_raw_units(small_run):
    samples = small_run.sample(5)
    assert samples.shape == (5, 1, 8, 8)
    assert 1.0 < samples.max() <= 255.0
    assert small_run.reconstruct(np.zeros((2, 1, 8, 8), dtype=np.uint8)).max() > 1.0


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            np.zeros((2, 1, 8, 9), np.uint8),
            r"has rows of shape \(1, 8, 9\), the model takes \(1, 8, 8\)",
        ),
        (np.zeros((8, 8), np.uint8), "the model takes"),
        (np.full((2, 1, 8, 8), 300), "whole numbers from 0 to 255"),
        (np.full((2, 1, 8, 8), np.nan), "finite"),
        (np.full((2, 1, 8, 8), 0.5), "whole numbers from 0 to 255"),
        (np.full((2, 1, 8, 8), "x"), "values of type"),
        (np.zeros((0, 1, 8, 8), np.uint8), "is empty"),
    ],
)
def test_rows_that_do_not_suit_the_model_are_refused(small_run, x, message):
    with pytest.raises(DataError, match=message):
        small_run.encode(x)


# --- Incomplete, newer, hostile --------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_run(tmp_path):
    assert "it has no config.yaml" in refused(tmp_path)
    assert "there is nothing" in refused(tmp_path / "missing")
    (tmp_path / "file").write_text("")
    assert "not a folder" in refused(tmp_path / "file")


def test_a_run_whose_first_epoch_had_not_ended(copy):
    (copy / "model.safetensors").unlink()
    assert "vaekit train --resume" in refused(copy)


def test_a_newer_format(copy):
    edit_config(copy, lambda c: c.update(format=99, hyperspace=True))
    assert "run format 99, this vaekit reads up to 1: install a newer vaekit" in refused(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["encoder"].update(kind="os.system"),
        lambda c: c["encoder"].update(command="rm"),
        lambda c: c.update(encoder="evil.module:Encoder"),
        lambda c: c["encoder"].update(hidden=[10**9]),
        lambda c: c["encoder"].update(hidden=[65536] * 60),
        lambda c: c["data"].update(shape=[65536, 65536, 65536]),
        lambda c: c["data"].update(shape=None),
        lambda c: c["data"].update(shape=[]),
        lambda c: c.update(latent_dim=4),
        lambda c: c.update(latent_dim=None),
        lambda c: c.update(likelihood=None),
        lambda c: c["data"].update(support="integers:1"),
        lambda c: c["data"].update(shape=[1, 4096, 4097]),
        lambda c: c.update(latent_dim=10**400),
        lambda c: c.update(prior={"kind": "autoregressive", "layers": 10_000}),
        lambda c: c.update(prior={"kind": "autoregressive", "heads": 10_000, "width": 60_000}),
        lambda c: c.pop("data"),
    ],
)
def test_a_configuration_that_lies_is_refused_without_building_what_it_says(copy, change):
    edit_config(copy, change)
    tracemalloc.start()
    try:
        refused(copy)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "a: &x [1]\nb: *x",
        "!!python/object/apply:os.system ['true']",
        "\xff\xfe",
        "a: " + "[" * 3000,
        "x: 1\n" * 300_000,
    ],
)
def test_a_configuration_that_is_no_plain_mapping_is_refused(copy, text):
    (copy / "config.yaml").write_bytes(text.encode("latin-1"))
    refused(copy)


def test_a_module_of_ones_own_is_asked_for_and_never_imported(copy, monkeypatch):
    edit_config(copy, lambda c: c.update(encoder={"kind": "custom", "name": "this"}))
    assert "load_run(path, model=...)" in refused(copy)


def test_few_weights_cannot_ask_for_enormous_layers(copy):
    from vaekit.config import validate
    from vaekit.config.builder import build_model

    given = yaml.safe_load((copy / "config.yaml").read_text())
    given["data"]["shape"] = [1, 4000, 4000]
    conv = {"kind": "conv", "channels": [600], "hidden": [1]}
    given |= {
        "encoder": {"kind": "conv", "channels": [1] * 14, "hidden": [1]},
        "decoder": {**conv, "channels": [64, *[1] * 13]},
    }
    (copy / "config.yaml").write_text(yaml.safe_dump(given))
    with torch.device("meta"):
        outline = build_model(validate(given))
    save_file(
        {name: torch.zeros(t.shape) for name, t in outline.state_dict().items()},
        copy / "model.safetensors",
    )
    assert (copy / "model.safetensors").stat().st_size < 100_000
    assert "a layer would give 1,0" in refused(copy)


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\xff" * 100, (10**12).to_bytes(8, "little") + b"{}"]
)
def test_damaged_weights_are_refused(copy, content):
    (copy / "model.safetensors").write_bytes(content)
    assert "damaged or no safetensors" in refused(copy)


def test_weights_of_another_model_are_refused_and_nothing_is_changed(copy, small_run):
    tensors = load_file(copy / "model.safetensors")
    name = next(iter(tensors))
    tensors[name] = torch.zeros(7, 7)
    save_file(tensors, copy / "model.safetensors")
    assert "does not belong to this model" in refused(copy)
    model = vaekit.load_run(small_run.path).model
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(RunError):
        vaekit.load_run(copy, model=model)
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize("text", ["", "a,b\n1", "a,b\nx,y", "a\n" + "1" * 200_000])
def test_metrics_that_are_no_table(copy, text):
    (copy / "metrics.csv").write_text(text)
    assert "not a table of numbers" in refused(copy)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_and_nothing_is_changed(copy, small_run, bad):
    tensors = load_file(copy / "model.safetensors")
    name = next(iter(tensors))
    tensors[name].view(-1)[-1] = bad
    save_file(tensors, copy / "model.safetensors")
    assert f"{name} holds NaN or infinity" in refused(copy)


def test_weights_of_another_kind_of_number_are_refused(copy):
    tensors = {
        name: tensor.to(torch.int8)
        for name, tensor in load_file(copy / "model.safetensors").items()
    }
    save_file(tensors, copy / "model.safetensors")
    assert "is of integers in one, of floats in the other" in refused(copy)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"test": 5}',
        "{}",
        '{"test": {}, "data": 3}',
        '{"test": {}, "validation": []}',
    ],
)
def test_a_summary_that_is_no_json_object(copy, text):
    (copy / "summary.json").write_text(text)
    assert "JSON" in refused(copy)


# --- Whole or absent --------------------------------------------------------------------------------------------------------


def test_a_file_is_whole_or_what_it_was(tmp_path):
    atomic_write_bytes(tmp_path / "file", "before")

    def fail() -> None:
        with atomic_write(tmp_path / "file") as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "file").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_space_left_is_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="no space left to write"):
        atomic_write_bytes(tmp_path / "file", "x")
    assert not any(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        atomic_write_bytes(tmp_path / "file" / "below", "x")
