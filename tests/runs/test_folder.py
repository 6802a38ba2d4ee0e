"""Run folders: files are read back; incomplete, newer, damaged and hostile ones are refused."""

import json
import shutil
import tracemalloc
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

import vaekit
from conftest import tensor_bytes, train_small
from hostile.limited import snapshot
from raising import raises
from vaekit.config import build_model, validate
from vaekit.errors import OutputError, RunError
from vaekit.runs import claim_existing, claim_folder, load_summary

PLOTS = {
    "latent",
    "grid",
    "reconstructions",
    "samples",
    "nearest",
    "curves",
    "dimensions",
    "losses",
}


@pytest.fixture
def folder(small_run, tmp_path):
    """A copy of a run folder, for tests that change it."""
    shutil.copytree(small_run.path, tmp_path / "run")
    return tmp_path / "run"


def edit_config(folder: Path, change) -> None:
    config = yaml.safe_load((folder / "config.yaml").read_text())
    change(config)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def edit_summary(folder: Path, change) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    change(summary)
    (folder / "summary.json").write_text(json.dumps(summary))


def test_a_run_folder_has_the_files_of_its_format(small_run):
    names = {
        str(path.relative_to(small_run.path))
        for path in small_run.path.rglob("*")
        if path.is_file()
    }
    assert names == {
        "config.yaml",
        "model.safetensors",
        "metrics.csv",
        "summary.json",
        "split.npz",
        "checkpoints/last.safetensors",
        *(f"plots/{name}.png" for name in PLOTS),
    }


def test_a_loaded_run_has_the_model_the_metrics_and_the_configuration(small_run):
    loaded = vaekit.load_run(small_run.path)
    assert loaded.config == small_run.config
    assert loaded.history == small_run.history
    assert loaded.summary == small_run.summary
    assert not loaded.model.training
    for name, tensor in small_run.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)


@pytest.mark.slow
def test_the_recorded_configuration_repeats_the_run(small_run, tmp_path):
    again = vaekit.train(str(small_run.path / "config.yaml"), out=tmp_path / "again")
    weights = [tensor_bytes(run.path / "model.safetensors") for run in (small_run, again)]
    assert weights[0] == weights[1]
    assert again.run_id != small_run.run_id


def test_the_recorded_configuration_is_complete(small_run):
    def unset(options, path=()):
        for name, value in options.items():
            if isinstance(value, dict):
                yield from unset(value, (*path, name))
            elif value is None:
                yield ".".join((*path, name))

    assert set(unset(small_run.config.model_dump())) == {
        "training.threads",
        "data.test",
        "data.crop",
        "data.resize",
        "data.tile",
        "data.group",
        "data.binarize",
        "data.train_size",
        "data.streamed_examples",
        "training.patience",
        "training.grad_clip_norm",
        "prior_stage.epochs",  # the run has no such stage
        "training.devices",  # determined by how training is started
        "training.nodes",
    }


# --- Incomplete, newer, hostile --------------------------------------------------------------


def test_a_path_that_is_no_run_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        with raises(RunError, "run"):
            vaekit.load_run(path)


def test_a_run_without_weights_is_refused(folder):
    (folder / "model.safetensors").unlink()
    with raises(RunError):
        vaekit.load_run(folder)


@pytest.mark.parametrize("version", [3, 99])
def test_a_newer_format_is_refused(folder, version):
    edit_config(folder, lambda config: config.update(format=version, hyperspace=True))
    with raises(RunError, "format"):
        vaekit.load_run(folder)


def test_a_summary_of_a_newer_format_is_refused(folder):
    edit_summary(folder, lambda summary: summary.update(format=3))
    with raises(RunError, "format"):
        vaekit.load_run(folder)


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
def test_a_false_configuration_is_refused_without_building_its_model(folder, change):
    edit_config(folder, change)
    tracemalloc.start()
    try:
        with raises(RunError):
            vaekit.load_run(folder)
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
def test_a_configuration_that_is_no_plain_mapping_is_refused(folder, text):
    (folder / "config.yaml").write_bytes(text.encode("latin-1"))
    with raises(RunError):
        vaekit.load_run(folder)


def test_a_custom_part_is_never_imported(folder):
    edit_config(folder, lambda config: config.update(encoder={"kind": "custom", "name": "this"}))
    with raises(RunError, "model"):
        vaekit.load_run(folder)


def test_few_weights_cannot_ask_for_enormous_activations(folder):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["data"]["shape"] = [1, 4000, 4000]
    config["encoder"] = {"kind": "conv", "channels": [1] * 14, "hidden": [1]}
    config["decoder"] = {"kind": "conv", "channels": [64, *[1] * 13], "hidden": [1]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    config.pop("run_id")
    with torch.device("meta"):
        outline = build_model(validate(config))
    weights = {name: torch.zeros(t.shape) for name, t in outline.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    assert (folder / "model.safetensors").stat().st_size < 100_000
    with raises(RunError):
        vaekit.load_run(folder)


# --- Weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"\xff" * 100, (10**12).to_bytes(8, "little") + b"{}"]
)
def test_damaged_weights_are_refused(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    with raises(RunError):
        vaekit.load_run(folder)


def other_shape(weights: dict[str, torch.Tensor]) -> None:
    weights[next(iter(weights))] = torch.zeros(7, 7)


def missing_name(weights: dict[str, torch.Tensor]) -> None:
    del weights[next(iter(weights))]


def unknown_name(weights: dict[str, torch.Tensor]) -> None:
    weights["extra"] = torch.zeros(3)


def integers(weights: dict[str, torch.Tensor]) -> None:
    weights.update({name: tensor.to(torch.int8) for name, tensor in weights.items()})


def nan(weights: dict[str, torch.Tensor]) -> None:
    weights[next(iter(weights))].view(-1)[-1] = float("nan")


def infinity(weights: dict[str, torch.Tensor]) -> None:
    weights[next(iter(weights))].view(-1)[-1] = float("inf")


@pytest.mark.parametrize(
    "change", [other_shape, missing_name, unknown_name, integers, nan, infinity]
)
def test_weights_that_do_not_suit_the_model_are_refused_and_change_nothing(
    folder, small_run, change
):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")
    with raises(RunError):
        vaekit.load_run(folder)
    model = vaekit.load_run(small_run.path).model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with raises(RunError):
        vaekit.load_run(folder, model=model)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


# --- History and summary ---------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "a,b\n1", "a,b\nx,y", "a\n" + "1" * 200_000])
def test_a_history_that_is_no_table_of_numbers_is_refused(folder, text):
    (folder / "metrics.csv").write_text(text)
    with raises(RunError):
        vaekit.load_run(folder)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        "\xff",
        "{}",
        '{"test": 5}',
        '{"test": {}, "data": 3}',
        '{"test": {}, "validation": []}',
        '{"test": {"loss": 1.0}}',
        '{"test": {"loss": {}}}',
        '{"test": {"loss": {"value": "1.0"}}}',
        '{"test": {"loss": {"value": 1.0, "other": 2.0}}}',
        '{"test": {}, "data": {"examples": {"train": "many"}}}',
        '{"test": {}, "data": {"examples": {"train": -1}}}',
        '{"test": {}, "best_epoch": 0}',
        '{"test": {}, "best_epoch": "2"}',
        '{"test": {}, "versions": {"torch": 2}}',
        '{"test": {}, "parameters": {"encoder": 5}}',
    ],
)
def test_a_summary_of_wrong_types_is_refused(folder, text):
    (folder / "summary.json").write_bytes(text.encode("latin-1"))
    with raises(RunError):
        vaekit.load_run(folder)


def test_a_summary_may_lack_keys_and_have_others(folder):
    names = ("epochs", "best_epoch", "seconds", "run_id", "test")
    summary = {name: vaekit.load_run(folder).summary[name] for name in names} | {"note": "mine"}
    (folder / "summary.json").write_text(json.dumps(summary))
    assert vaekit.load_run(folder).summary == summary


def test_a_run_without_a_summary_is_unfinished(folder):
    (folder / "summary.json").unlink()
    assert load_summary(folder, None) == {}
    run = vaekit.load_run(folder)
    assert run.summary == {} and run.best_epoch is None and "unfinished" in repr(run)


# --- Claimed folders -------------------------------------------------------------------------


def test_an_existing_run_is_overwritten_only_if_asked_for(folder):
    (folder / "notes.txt").write_text("mine")
    with raises(OutputError, "overwrite"), claim_folder(folder, "run", False):
        pass
    assert vaekit.load_run(folder).history
    with claim_folder(folder, "run", True) as claim:
        assert claim.folder == folder
    remaining = {path.name for path in folder.rglob("*") if path.is_file()}
    assert remaining == {"config.yaml", "notes.txt"}


@pytest.mark.parametrize("name", ["curves.svg", "curves.pdf", "paths.gif", "sample-3.npy"])
def test_every_plot_of_an_overwritten_run_is_removed(name, folder):
    (folder / "plots").mkdir(exist_ok=True)
    (folder / "plots" / name).touch()
    (folder / "plots/notes.npy").touch()
    with claim_folder(folder, "run", True):
        assert [path.name for path in (folder / "plots").iterdir()] == ["notes.npy"]


@pytest.mark.parametrize("name", ["plots/curves.png", "split.npz", "report.html", "metrics.csv"])
def test_nothing_of_a_run_is_removed_if_not_all_can_be(name, folder):
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir(parents=True)
    before = snapshot(folder)
    with raises(OutputError, "out"), claim_folder(folder, "run", True):
        pass
    assert snapshot(folder) == before


@pytest.mark.parametrize("name", ["plots", "checkpoints"])
def test_a_link_is_refused_before_a_run_is_resumed(name, folder, tmp_path):
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).symlink_to(tmp_path)
    with raises(OutputError, "out"), claim_existing(folder):
        pass


def test_a_folder_with_another_config_is_never_cleared(tmp_path):
    (tmp_path / "other/plots").mkdir(parents=True)
    (tmp_path / "other/config.yaml").write_text("site_name: mine\n")
    (tmp_path / "other/plots/thesis.png").write_text("years")
    with raises(OutputError, "out"):
        train_small(tmp_path / "other", overwrite=True)
    assert (tmp_path / "other/plots/thesis.png").read_text() == "years"


def test_a_file_is_no_output_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with raises(OutputError, "out"), claim_folder(tmp_path / "file", "run", True):
        pass


def test_default_folders_of_one_second_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = []
    for _ in range(3):
        with claim_folder(None, "mlp-bars", False) as claim:
            folders.append(claim.folder)
    assert len(set(folders)) == 3
    assert all(path.parent.name == "runs" and path.name.startswith("mlp-bars-") for path in folders)
