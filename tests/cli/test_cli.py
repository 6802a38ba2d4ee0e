"""The command line: it parses, calls and prints; a wrong request is one line and status 2, and loses nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaekit import recipes
from vaekit.cli import main

SMALL = (
    "mlp",
    "--data",
    "digits",
    "--epochs",
    "1",
    "--device",
    "cpu",
    "--limit",
    "100",
    "--set",
    "encoder.hidden=[8]",
)


def test_train_then_everything_with_json(cli, tmp_path):
    status, out, _ = cli("train", *SMALL, "--out", "run", "--json")
    trained = json.loads(out)
    assert status == 0
    assert trained["run"] == "run"
    assert trained["summary"]["data"]["rows"]["train"] == 100
    names = {
        "curves",
        "dimensions",
        "grid",
        "latent",
        "losses",
        "nearest",
        "reconstructions",
        "samples",
    }
    assert {Path(p).stem for p in trained["plots"]} == names

    _, out, _ = cli("evaluate", "run", "--samples", 5, "--limit", 50, "--json")
    figures = json.loads(out)
    assert figures["rows"] == 50
    assert figures["loss"]["value"] == pytest.approx(
        figures["reconstruction"]["value"] + figures["divergence"]["value"]
    )
    assert figures["bits_per_dimension"] is None
    assert "not a normalised density" in figures["why_no_bits_per_dimension"]

    _, out, _ = cli("encode", "run", "--out", "codes.csv", "--json")
    assert json.loads(out) == {"rows": 180, "of": "test", "latent_dim": 2, "file": "codes.csv"}
    _, out, _ = cli("decode", "run", "codes.csv", "--out", "decoded.npy", "--json")
    assert json.loads(out)["rows"] == len(np.load("decoded.npy")) == 180
    _, out, _ = cli("decode", "run", "--z=0.5,-1", "--z=0,0", "--out", "two.npy", "--json")
    assert json.loads(out)["rows"] == 2
    _, out, _ = cli("reconstruct", "run", "--index", "0,3-5", "--json")
    assert [row["index"] for row in json.loads(out)["rows"]] == [0, 3, 4, 5]
    _, out, _ = cli("reconstruct", "run", "--label", "7", "--index", "0", "--json")
    assert json.loads(out)["rows"][0]["class"] == "7"
    _, out, _ = cli("sample", "run", "--count", 9, "--out", "sheet.png", "--json")
    with Image.open(json.loads(out)["file"]) as sheet:
        assert min(sheet.size) > 20
    _, out, _ = cli(
        "plot", "run", "grid", "--across=-2:2", "--down=-1:3", "--out", "grid.png", "--json"
    )
    assert json.loads(out)["files"] == ["grid.png"]
    np.save("mine.npy", np.zeros((3, 8, 8), np.uint8))
    _, out, _ = cli(
        "plot", "run", "reconstructions", "--data", "mine.npy", "--out", "mine.png", "--json"
    )
    assert json.loads(out)["files"] == ["mine.png"]


def test_without_json_people_get_tables(cli):
    _, out, err = cli("train", *SMALL, "--out", "run")
    assert "loss (negative ELBO)" in out
    assert "run       run" in out
    assert "epoch 1/1" in err
    _, out, _ = cli("evaluate", "run", "--samples", 3)
    assert "importance-weighted bound, K = 3" in out
    assert "no bits per dimension: a Bernoulli with grayscale targets" in out
    _, out, _ = cli("reconstruct", "run")
    assert "code" in out


def test_recipes_are_listed_shown_and_can_be_changed(cli):
    _, out, _ = cli("recipes", "--json")
    assert [row["name"] for row in json.loads(out)["rows"]] == recipes.names()
    _, out, _ = cli("recipes", "show", "mlp")
    Path("mine.yaml").write_text(out + "latent_dim: 3\n")
    status, out, _ = cli("train", "mine.yaml", *SMALL[1:], "--out", "run", "--json")
    assert status == 0
    assert json.loads(out)["summary"]["recipe"] == "mine"


def test_data_are_listed_and_described(cli):
    _, out, _ = cli("data", "--json")
    assert {"mnist", "digits"} <= {row["name"] for row in json.loads(out)["rows"]}
    _, out, _ = cli("data", "digits", "--json")
    facts = json.loads(out)
    assert (facts["shape"], facts["support"], facts["train"], facts["test"]) == (
        [1, 8, 8],
        "integers:17",
        1797,
        None,
    )


def test_help_and_version(cli):
    for command in (
        "train",
        "evaluate",
        "sample",
        "reconstruct",
        "encode",
        "decode",
        "plot",
        "recipes",
        "data",
    ):
        status, out, _ = cli(command, "--help")
        assert status == 0
        assert "Usage: vaekit" in out
    assert cli("--version")[1].strip() == "0.1.0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trian",), "Did you mean 'train'"),
        (("train", "cnov"), "unknown recipe 'cnov': did you mean 'conv'?"),
        (("train", "missing.yaml"), "missing.yaml: No such file"),
        (("train", "--data", "mnits"), "did you mean 'mnist'"),
        (("train", "--epoch", "3"), "--epochs"),
        (("train", "--epochs", "3.5"), "valid integer"),
        (("train", "--epochs", "0"), "training.epochs = 0: input should be greater than 0"),
        (
            ("train", "--set", "objective.bta=3"),
            "unknown key 'objective.bta': did you mean 'beta'?",
        ),
        (
            ("train", "--set", "objectve.beta=3"),
            "unknown key 'objectve': did you mean 'objective'?",
        ),
        (("train", "--set", "encoder=conw"), "unknown encoder 'conw': did you mean 'conv'?"),
        (("train", "--set", "optimizer.lr=fast"), "optimizer.lr = 'fast'"),
        (
            ("train", "--set", "optimizer.lr=-1"),
            "optimizer.lr = -1: input should be greater than 0",
        ),
        (("train", "--set", "optimizer.lr"), "--set takes key=value"),
        (
            ("train", "--set", "likelihood={kind: gaussian, scale: wide}"),
            "likelihood.scale = 'wide'",
        ),
        (("train", "--latent-dim", "100000"), "latent_dim = 100000"),
        (("train", "--seed", "-1"), "seed = -1"),
        (("train", "--set", "epochs=3"), "unknown key 'epochs': did you mean training.epochs?"),
        (("train", "--set", "encoder.channels=3"), "a list is needed, such as [32, 64]"),
        (("train", "--device", "cuda:77"), "device 'cuda:77' is not there: auto, cpu"),
        (("train", "--device", "abacus"), "device 'abacus' is not there"),
        (("train", "--limit", "70000"), "limit 70000 is more than the 55000 training rows"),
        (("train", "--resize", "32x32"), "resize is for image files only"),
        (("train", "--resize", "big"), "such as --resize 64x64"),
        (("train", "--support", "unti"), "did you mean 'unit'"),
        (("train", "--support", "binary"), "row 0 holds"),
        (("train", "--data", "digits", "--set", "data.validation=test"), "needs a test part"),
        (
            ("train", "--data", "digits", "--set", "likelihood=bernoulli", "--support", "real"),
            "the model accepts binary or unit",
        ),
        (("train", "--resume", "nowhere"), "nowhere is not a run folder"),
        (("train", "conv", "--resume", "nowhere"), "leave the other options out"),
        (("evaluate", "nowhere"), "nowhere is not a run folder: there is nothing"),
        (("evaluate",), "Missing argument 'RUN'"),
        (("recipes", "show", "mpl"), "did you mean 'mlp'"),
        (("data", "nothing-here"), "neither a named dataset nor a path"),
        (("plot", "nowhere"), "not a run folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_requests(refused, arguments, message):
    assert message in refused(*arguments)


@pytest.fixture
def run(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plot", "run", "lattent"), "unknown plot 'lattent': did you mean 'latent'?"),
        (
            ("plot", "run", "latent", "grid", "--out", "one.png"),
            "one.png is one file for 2 pictures",
        ),
        (("plot", "run", "grid", "--across", "2:1"), "from a lower to a higher number"),
        (("plot", "run", "grid", "--across", "2"), "two numbers, such as"),
        (("plot", "run", "latent", "--projection", "umap"), "unknown projection 'umap'"),
        (("plot", "run", "latent", "--out", "picture.xyz"), "allowed suffixes"),
        (("evaluate", "run", "--split", "tset"), "did you mean 'test'"),
        (("evaluate", "run", "--samples", "0"), "samples = 0: at least 1"),
        (("evaluate", "run", "--samples", "99999999999"), "at most 1,000,000"),
        (("evaluate", "run", "--data", "digits"), "integers:17"),
        (("sample", "run", "--count", "0"), "count = 0: a whole number from 1 to 1,000,000"),
        (("sample", "run", "--out", "samples.doc"), "allowed are .npy, .png"),
        (("reconstruct", "run", "--index", "900"), "index 900: allowed are 0 to 5"),
        (("reconstruct", "run", "--index", "x"), "such as --index 0,1,7"),
        (("reconstruct", "run", "--index", "5-2"), "ranges upwards"),
        (("sample", "run", "--count", "401"), "401 images do not fit one sheet"),
        (("decode", "run", "missing.csv"), "missing.csv is not a file"),
        (("reconstruct", "run", "--label", "zebra"), "no class 'zebra': the classes are a, b, c"),
        (("encode", "run", "--out", "codes.xlsx"), "allowed are .npz, .npy, .csv"),
        (
            ("sample", "run", "--count", "1000000"),
            "1,000,000 images do not fit one sheet",
        ),  # before any is drawn
        (
            ("plot", "run", "curves", "--label", "a"),
            "label makes no difference to curves: it is for grid, reconstructions",
        ),
        (("plot", "run", "latent", "--index", "0-3"), "indices makes no difference to latent"),
        (
            ("plot", "run", "grid", "--projection", "pca"),
            "projection makes no difference to grid: it is for latent",
        ),
        (("plot", "run", "reconstructions", "--label", "zebra"), "no class 'zebra'"),
        (("plot", "run", "latent", "--data", "digits"), "name it with --out"),
        (("decode", "run"), "either a file of codes or --z"),
        (("decode", "run", "--z=1,2"), "codes of shape (1, 2) were given, this model takes [N, 3]"),
        (("decode", "run", "--z=1,2,nan"), "NaN"),
        (("decode", "run", "--z=a"), "such as --z=0.5,-1"),
        (("decode", "run", "missing.npy"), "missing.npy"),
        (
            ("train", "--out", "run"),
            "run exists: choose another --out, or overwrite it with --force",
        ),
        (
            ("train", "run/config.yaml", "--data", "digits", "--set", "data.shape=[2,8,8]"),
            "is for rows of shape (2, 8, 8)",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_requests_about_a_run(refused, run, arguments, message):
    assert message in refused(*arguments)


def test_a_picture_is_not_drawn_over_a_file_unless_forced(refused, cli, run):
    Path("keep.png").write_text("mine")
    assert "keep.png exists: choose another --out" in refused(
        "plot", "run", "curves", "--out", "keep.png"
    )
    assert Path("keep.png").read_text() == "mine"
    assert cli("plot", "run", "curves", "--out", "keep.png", "--force")[0] == 0
    assert Path("keep.png").read_bytes().startswith(b"\x89PNG")


def test_rows_that_are_no_images_are_written_as_arrays_unless_named(cli, tmp_path):
    np.save("table.npy", np.random.default_rng(0).normal(size=(60, 6)))
    assert cli("train", "--data", "table.npy", "--epochs", "1", "--out", "table")[0] == 0
    _, out, _ = cli("sample", "table", "--count", "5", "--json")
    assert json.loads(out)["file"] == "table/plots/sample-0.npy" and np.load(
        "table/plots/sample-0.npy"
    ).shape == (5, 6)
    _, out, _ = cli("decode", "table", "--z=0,0", "--json")
    assert json.loads(out)["file"] == "decoded.npy"


def test_images_of_many_sizes_are_told_the_size_of_the_run(refused, run):
    Path("mixed").mkdir()
    for size in (5, 8):
        Image.fromarray(np.zeros((size, 8), np.uint8)).save(f"mixed/{size}.png")
    said = refused("encode", "run", "mixed")
    assert (
        "this run takes images of 8x8 (height x width), resize them first" in said
        and "--resize" not in said
    )


def test_reconstructions_of_one_class(cli, run, monkeypatch):
    import vaekit.plots

    labels, draw = [], vaekit.plots.reconstructions
    monkeypatch.setattr(
        vaekit.plots, "reconstructions", lambda *a, **k: labels.append(k["labels"]) or draw(*a, **k)
    )
    assert (
        cli("plot", "run", "reconstructions", "--label", "b", "--index", "0-1", "--split", "train")[
            0
        ]
        == 0
    )
    assert labels == [["b", "b"]]


def test_rows_of_the_wrong_shape_or_without_labels(refused, run, tmp_path):
    np.save(tmp_path / "wide.npy", np.zeros((3, 9, 9), np.uint8))
    np.save(tmp_path / "plain.npy", np.zeros((3, 8, 8), np.uint8))
    np.save(tmp_path / "floats.npy", np.full((3, 8, 8), 0.5))
    assert "has rows of shape (1, 9, 9), the model takes (1, 8, 8)" in refused(
        "encode", "run", "wide.npy"
    )
    assert "--label needs labels" in refused("reconstruct", "run", "plain.npy", "--label", "a")
    assert "whole numbers from 0 to 255" in refused("encode", "run", "floats.npy")


def test_folders_of_images_that_cannot_be_used(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty" in refused("train", "--data", "empty")
    images = tmp_path / "images"
    images.mkdir()
    for i in range(4):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(images / f"{i}.png")
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(images / "odd.png")
    line = refused("train", "--data", "images")
    assert "odd.png" in line
    assert "--resize" in line
    (images / "odd.png").write_bytes(b"\x89PNG but not really")
    assert "odd.png" in refused("train", "--data", "images")


def test_a_place_that_is_not_a_run_is_never_cleared(refused, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis.txt").write_text("years of work")
    assert "is not a run folder" in refused("train", *SMALL, "--out", "precious", "--force")
    (tmp_path / "file").write_text("")
    assert "is not a folder" in refused("train", *SMALL, "--out", "file", "--force")


def test_force_overwrites_a_run_and_keeps_what_is_not_of_it(cli, run, tmp_path):
    (tmp_path / "run/notes.txt").write_text("mine")
    before = (tmp_path / "run/model.safetensors").read_bytes()
    assert cli("train", *SMALL, "--out", "run", "--force")[0] == 0
    assert (tmp_path / "run/model.safetensors").read_bytes() != before
    assert (tmp_path / "run/notes.txt").read_text() == "mine"


def test_a_wrong_request_with_force_leaves_the_run_that_is_there(refused, run, tmp_path):
    before = (tmp_path / "run/model.safetensors").read_bytes()
    refused("train", *SMALL, "--out", "run", "--force", "--set", "objective.beta=-1")
    refused("train", "--data", "nothing", "--out", "run", "--force")
    assert (tmp_path / "run/model.safetensors").read_bytes() == before


def test_failed_work_is_status_1(cli, monkeypatch):
    status, out, err = cli(
        "train", *SMALL, "--out", "run", "--set", "optimizer={kind: sgd, lr: 1.0e+30}"
    )
    assert (status, out) == (1, "")
    assert "validation loss is nan after epoch 1, step 1" in err.splitlines()[-1]


def test_the_unforeseen_is_one_line_and_debug_shows_where(cli, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("nobody\nexpected this")

    monkeypatch.setattr("vaekit.recipes.names", fail)
    status, _, err = cli("recipes")
    assert (status, err) == (
        1,
        "vaekit: failed unexpectedly, ZeroDivisionError: nobody (--debug shows where)\n",
    )
    with pytest.raises(ZeroDivisionError):
        main_with_debug(monkeypatch)


def main_with_debug(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["vaekit", "recipes", "--debug"])
    main()


def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m vaekit recipes show conv | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("#", "")


def test_samples_of_a_mixture_are_others_than_those_of_the_prior(cli, small_run):
    code, _, err = cli("sample", small_run.path, "--count", "3", "--out", "prior.npy")
    assert code == 0, err
    code, _, err = cli(
        "sample", small_run.path, "--count", "3", "--mixture", "--out", "mixture.npy"
    )
    assert code == 0, err
    prior, mixture = np.load("prior.npy"), np.load("mixture.npy")
    assert prior.shape == mixture.shape and not np.array_equal(prior, mixture)
