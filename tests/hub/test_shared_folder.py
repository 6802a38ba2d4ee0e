"""A shared folder is a run equal to the one it was written from, and reveals nothing else."""

import getpass
import json
import socket
import zipfile

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import vaekit
from conftest import QUIET, small_images, train_small
from raising import raises
from vaekit.errors import ConfigError, OutputError, RunError
from vaekit.hub import is_shared


@pytest.fixture(scope="module")
def shared(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "there"
    return folder, vaekit.export_hub(small_run, folder, license="mit")


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_shared_run_equals_the_run(shared, small_run):
    folder, result = shared
    there = vaekit.load_run(folder)
    z = torch.randn(5, 3)
    assert np.array_equal(there.decode(z), small_run.decode(z))
    assert np.array_equal(
        there.encode(small_images().train.x).mean, small_run.encode(small_images().train.x).mean
    )
    assert there.history == small_run.history and there.summary == small_run.summary
    assert (folder / "metrics.csv").read_bytes() == (small_run.path / "metrics.csv").read_bytes()
    assert sorted(result.files) == sorted(folder / name for name in contents(folder))


def test_it_can_be_evaluated_on_the_data(shared):
    evaluation = vaekit.evaluate(shared[0], data=small_images(), generated_examples=0)
    assert evaluation.terms.loss.value == pytest.approx(
        vaekit.load_run(shared[0]).summary["test"]["loss"]["value"], rel=1e-5
    )


def test_it_contains_only_shared_files(shared):
    names = set(contents(shared[0]))
    assert {
        "config.yaml",
        "model.safetensors",
        "metrics.csv",
        "summary.json",
        "split.npz",
        "config.json",
        "README.md",
    } <= names
    assert {"plots/samples.png", "plots/curves.png"} <= names
    assert all(map(is_shared, names))


def test_config_json_describes_the_model(shared, small_run):
    facts = json.loads((shared[0] / "config.json").read_text())
    assert facts["library"] == "vaekit" and facts["version"] == vaekit.__version__
    assert facts["data"] == {"name": "bars.npz", "shape": [1, 8, 8], "support": "integers:256"}
    assert (facts["latent_dim"], facts["classes"]) == (3, ["a", "b", "c"])
    assert facts["codes"] is None and facts["objective"] == "elbo"
    assert facts["parts"]["likelihood"] == small_run.config.part("likelihood").kind
    assert facts["parameters"]["encoder"] == sum(
        p.numel()
        for m in (small_run.model.encoder, small_run.model.posterior)
        for p in m.parameters()
    )


def test_every_plot_of_the_card_exists(shared):
    card = (shared[0] / "README.md").read_text()
    pictures = {name for name in contents(shared[0]) if name.startswith("plots/")}
    assert pictures and all(f"]({name})" in card for name in pictures)
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "mit"


def test_plots_with_examples_of_the_data_are_listed(shared, small_run, tmp_path):
    assert shared[1].data_plots == ("plots/reconstructions.png", "plots/nearest.png")
    run = vaekit.load_run(small_run.path)
    run.path = tmp_path / "bare"
    assert vaekit.export_hub(run, tmp_path / "there").data_plots == ()


@pytest.mark.parametrize(
    ("shape", "options", "targets"),
    [
        ((3, 8, 8), {}, r"color, k \/ 255 for k = 0 to 255"),
        ((5,), {}, r"values, k \/ 255 for k = 0 to 255"),
        ((5,), {"binarize": "threshold"}, "ones where a value is above one half"),
    ],
)
def test_only_gray_images_are_called_gray(tmp_path, shape, options, targets):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (60, *shape), np.uint8))
    run = train_small(
        tmp_path / "run", {"source": str(tmp_path / "x.npy"), **options}, training={"epochs": 1}
    )
    vaekit.export_hub(run, tmp_path / "there")
    assert f"| targets | {targets} |" in (tmp_path / "there/README.md").read_text()


def test_a_discrete_latent_is_described_by_its_codes(tmp_path):
    run = train_small(
        tmp_path / "run",
        posterior={"kind": "categorical", "classes": 4},
        latent_dim=5,
        training={"epochs": 1},
    )
    vaekit.export_hub(run, tmp_path / "there")
    assert json.loads((tmp_path / "there/config.json").read_text())["codes"] == {
        "positions": 5,
        "count": 4,
    }
    assert "(5 codes, each one of 4; 20 values)" in (tmp_path / "there/README.md").read_text()


def test_it_reveals_nothing_about_the_machine(shared, small_run, tmp_path_factory):
    places = {
        str(small_run.path.parent),
        str(tmp_path_factory.getbasetemp()),
        tmp_path_factory.getbasetemp().name,
    }
    people = {
        socket.gethostname(),
        f"/{getpass.getuser()}/",
    }  # short ones are in compressed pictures by chance
    for name, content in contents(shared[0]).items():
        members = [content]
        if name.endswith(".npz"):
            with zipfile.ZipFile(shared[0] / name) as archive:
                members += [archive.read(member) for member in archive.namelist()]
        for secret in (
            places if name.endswith((".png", ".npz", ".safetensors")) else places | people
        ):
            assert not any(secret.encode() in member for member in members), (name, secret)


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("/home/ada/secret project/faces", "faces"),
        ("/home/ada/faces/", "faces"),
        (r"C:\Users\ada\faces.npz", "faces.npz"),
        ("https://ada:word@host.example/bucket/train-{0..9}.tar?token=1", "train-{0..9}.tar"),
        ("in-memory", "in-memory"),
    ],
)
def test_paths_are_reduced_to_their_last_names(source, left, small_run, tmp_path):
    run = vaekit.load_run(small_run.path)
    run.config = run.config.changed({"data": {"source": source, "test": source}})
    run.summary |= {
        "command": "vaekit train /home/ada",
        "versions": run.summary["versions"] | {"host": "ada-laptop"},
    }
    vaekit.export_hub(run, tmp_path / "there")
    config = vaekit.load_run(tmp_path / "there").config.data
    assert (config.source, config.test) == (left, left)
    everything = b"".join(contents(tmp_path / "there").values())
    assert not [
        word
        for word in (b"/home", b"Users", b"ada:word", b"token=1", b"host.example", b"laptop")
        if word in everything
    ]


def test_only_plots_of_vaekit_are_shared(small_run, tmp_path):
    run = vaekit.load_run(small_run.path)
    run.path = tmp_path / "run"
    (run.path / "plots").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    (run.path / "plots/samples.png").write_bytes(b"\x89PNG\r\n\x1a\nours")
    (run.path / "plots/passport.png").write_bytes(b"\x89PNG\r\n\x1a\nmine")
    (run.path / "plots/curves.png").write_bytes(b"no picture")
    (run.path / "plots/latent.png").symlink_to(tmp_path / "secret.png")
    vaekit.export_hub(run, tmp_path / "there")
    assert [name for name in contents(tmp_path / "there") if name.startswith("plots")] == [
        "plots/samples.png"
    ]


def test_hostile_class_names_are_escaped(tmp_path):
    data = small_images()
    data = vaekit.data.Dataset("bars", data.train, None, data.support, ("<b>", "a|b", "](x)"))
    run = train_small(tmp_path / "run", data, conditional=True, training={"epochs": 1})
    vaekit.export_hub(run, tmp_path / "there")
    card = (tmp_path / "there/README.md").read_text()
    assert (
        r"| Classes | \<b\>, a\|b, \]\(x\) |" in card and "run.encode(images, labels).mean" in card
    )
    assert json.loads((tmp_path / "there/config.json").read_text())["classes"] == [
        "<b>",
        "a|b",
        "](x)",
    ]


def test_only_a_shared_folder_is_overwritten_and_only_on_request(small_run, tmp_path):
    there = tmp_path / "there"
    vaekit.export_hub(small_run, there)
    (there / "README.md").write_text("mine")
    with raises(OutputError):
        vaekit.export_hub(small_run, there)
    assert (there / "README.md").read_text() == "mine"
    vaekit.export_hub(small_run, there, overwrite=True)
    assert (there / "README.md").read_text() != "mine"
    (there / "thesis.tex").write_text("years")
    with raises(OutputError):
        vaekit.export_hub(small_run, there, overwrite=True)
    with raises(OutputError):
        vaekit.export_hub(small_run, small_run.path, overwrite=True)
    assert (there / "thesis.tex").read_text() == "years" and sorted(tmp_path.iterdir()) == [there]


@pytest.mark.parametrize(
    "facts", [None, "nonsense", "[]", '{"library": "other"}', '{"model_type": "bert"}']
)
def test_a_folder_that_is_not_a_run_is_not_overwritten(small_run, tmp_path, facts):
    there = tmp_path / "mine"
    there.mkdir()
    (there / "README.md").write_text("years")
    (there / "config.yaml").write_text("theme: dark")
    if facts is not None:
        (there / "config.json").write_text(facts)
    with raises(OutputError):
        vaekit.export_hub(small_run, there, overwrite=True)
    assert (there / "README.md").read_text() == "years"


@pytest.mark.parametrize("left", ["config.json", "config.yaml"])
def test_a_damaged_run_is_overwritten(small_run, tmp_path, left):
    there = tmp_path / "there"
    vaekit.export_hub(small_run, there)
    for name in {"config.json", "config.yaml", "model.safetensors"} - {left}:
        (there / name).unlink()
    vaekit.export_hub(small_run, there, overwrite=True)
    assert vaekit.load_run(there).config.latent_dim == 3


def test_a_failure_changes_nothing_on_disk(small_run, tmp_path, monkeypatch):
    there = tmp_path / "there"
    vaekit.export_hub(small_run, there)
    before = contents(there)

    def fail(*_):
        raise OutputError("No space left.")

    monkeypatch.setattr("vaekit.hub.model_card", fail)
    for folder in (there, tmp_path / "other"):
        with raises(OutputError):
            vaekit.export_hub(small_run, folder, overwrite=True)
    assert contents(there) == before and sorted(tmp_path.iterdir()) == [there]


def test_the_current_folder_is_not_overwritten(small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with raises(OutputError):
        vaekit.export_hub(small_run, ".")
    assert list(tmp_path.iterdir()) == []


class Own(nn.Module):
    def forward(self, x):
        return x.flatten(1)


def test_a_run_with_a_custom_module_is_rejected(tmp_path):
    data = small_images()
    model = vaekit.build("mlp", data, encoder=Own(), latent_dim=2)
    run = vaekit.train(
        model,
        data=data,
        out=tmp_path / "run",
        training={"epochs": 1, "device": "cpu"},
        console=QUIET,
    )
    for given in (run, run.path):
        with raises(ConfigError):
            vaekit.export_hub(given, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_an_unfinished_run_can_be_shared(small_run, tmp_path):
    run = vaekit.load_run(small_run.path)
    run.summary = {}
    vaekit.export_hub(run, tmp_path / "there")
    assert "has not finished" in (tmp_path / "there/README.md").read_text()
    assert vaekit.load_run(tmp_path / "there").summary == {}


def test_an_invalid_license_or_run_is_rejected(small_run, tmp_path):
    with raises(ConfigError):
        vaekit.export_hub(small_run, tmp_path / "there", license="MIT: \nx")
    with raises(RunError):
        vaekit.export_hub(tmp_path / "nowhere", tmp_path / "there")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_folder(cli, small_run, tmp_path):
    status, out, err = cli("export", small_run.path, "--hub", "there", "--license", "mit", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["folder"] == "there"
    assert vaekit.load_run(tmp_path / "there").config.recipe == "mlp"
