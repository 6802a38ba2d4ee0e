"""Wrong requests: one line, status 2, nothing lost; the line names the option or the help."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaekit.cli import main
from vaekit.cli.app import app
from vaekit.errors import (
    ConfigError,
    DiskError,
    Interrupted,
    NetworkError,
    OutputError,
    WorkError,
)

pytestmark = pytest.mark.slow

USAGE_ERRORS = [
    ("trian",),
    ("train", "--epoch", "3"),
    ("train", "--epochs", "3.5"),
    ("train", "--latent-dim", "two"),
    ("train", "--conditional=yes"),
    ("train", "--resize", "big"),
    ("train", "--resize", "0x3"),
    ("train", "--limit", "3"),
    ("sweep", "--set", "objective.beta"),
    ("sweep", "--set", "objective.beta=1,2", "--set", "objective.beta=3"),
    ("evaluate",),
    ("evaluate", "run", "--split", "tset"),
    ("evaluate", "run", "--samples", "5"),
    ("compare",),
    ("decode", "run"),
    ("decode", "run", "codes.npy", "--z=1,2,3"),
    ("decode", "run", "--z=a"),
    ("decode", "run", "--z=1,2", "--z=1"),
    ("plot", "run", "grid", "--across", "2"),
    ("plot", "run", "latent", "--projection", "umap"),
    ("reconstruct", "run", "--index", "x"),
    ("reconstruct", "run", "--index", "5-2"),
    ("reconstruct", "run", "--index", "0-99999"),
    ("sample", "run", "--seed", "-1"),
    ("recipes", "shwo"),
]


@pytest.fixture
def run(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("arguments", USAGE_ERRORS, ids=" ".join)
def test_a_usage_error_points_to_the_help_of_its_command(refused, run, arguments):
    command = "vaekit" if arguments == ("trian",) else f"vaekit {arguments[0]}"
    line = refused(*arguments)
    assert line.startswith(f"{command}: ")
    assert line.endswith(f" See '{command} --help'.\n")


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        (("train", "--latent-dim", "two"), "'two'"),
        (("train", "--seed", "1.5"), "'1.5'"),
        (("sample", "run", "--count", ""), "''"),
        (("sample", "run", "--seed", "-1"), "'-1'"),
    ],
    ids=" ".join,
)
def test_a_value_that_is_no_number_is_refused_in_the_form_of_all_errors(
    refused, run, arguments, got
):
    assert f": got {got}, expected a " in refused(*arguments)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("train", "--epochs", "0"), "option --epochs"),
        (("train", "--latent-dim", "100000"), "option --latent-dim"),
        (("train", "--seed", "-1"), "option --seed"),
        (("train", "--device", "cuda:77"), "option --device"),
        (("train", "--device", "abacus"), "option --device"),
        (("train", "--train-size", "70000"), "option --train-size"),
        (("train", "--crop", "32x32"), "option --crop"),
        (("train", "--support", "unti"), "option --support"),
        (("train", "--data", "mnits"), "option --data"),
        (("train", "--set", "optimizer.lr=-1"), "--set optimizer.lr=..."),
        (("train", "--set", "training.patience=0"), "--set training.patience=..."),
        (("train", "--resume", "nowhere", "--seed", "1"), "option --resume"),
        (("evaluate", "run", "--importance-samples", "0"), "option --importance-samples"),
        (("evaluate", "run", "--importance-samples", "9" * 11), "option --importance-samples"),
        (("evaluate", "run", "--max-examples", "0"), "option --max-examples"),
        (("evaluate", "run", "--features", "eyes"), "option --features"),
        (("evaluate", "run", "--class-accuracy-samples", "2"), "option --class-accuracy-samples"),
        (("evaluate", "run", "--data", "digits"), "option --data"),
        (("compare", "run", "nowhere", "--max-examples", "0"), "option --max-examples"),
        (("compare", "run", "other", "--out", "x.gif"), "option --out"),
        (("score", "run", "--metric", "oddness"), "option --metric"),
        (("score", "run", "--samples", "0"), "option --samples"),
        (("plot", "run", "grid", "--across", "2:1"), "option --across"),
        (("plot", "run", "grid", "--projection", "pca"), "option --projection"),
        (("plot", "run", "curves", "--label", "a"), "option --label"),
        (("plot", "run", "latent", "--index", "0-3"), "option --index"),
        (("plot", "run", "latent", "--data", "digits"), "option --out"),
        (("plot", "run", "latent", "--out", "plot.xyz"), "option --out"),
        (("plot", "run", "latent", "grid", "--out", "one.png"), "option --out"),
        (("plot", "run", "traversals", "--out", "x.mp4"), "option --out"),
        (("plot", "run", "samples", "--out", "x.webp"), "option --out"),
        (("sample", "run", "--count", "0"), "option --count"),
        (("sample", "run", "--count", "401"), "option --count"),
        (("sample", "run", "--count", "1000000"), "option --count"),
        (("sample", "run", "--out", "samples.doc"), "option --out"),
        (("sample", "run", "--label", "a"), "option --label"),
        (("reconstruct", "run", "--index", "900"), "option --index"),
        (("reconstruct", "run", "--label", "zebra"), "option --label"),
        (("encode", "run", "--out", "codes.xlsx"), "option --out"),
        (("encode", "run", "--out", "run/split.npz", "--overwrite"), "option --out"),
        (("export", "run", "--license", "mit"), "option --license"),
        (("export", "run", "--split", "train"), "option --split"),
        (("serve", "run", "--max-batch-examples", "0"), "option --max-batch-examples"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_error_about_a_parameter_names_its_option(refused, run, arguments, option):
    assert refused(*arguments).endswith(f" ({option}).\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "cnov"),
        ("train", "missing.yaml"),
        ("train", "--set", "objective.bta=3"),
        ("train", "--set", "objectve.beta=3"),
        ("train", "--set", "epochs=3"),
        ("train", "--set", "encoder=conw"),
        ("train", "--set", "optimizer.lr=fast"),
        ("train", "--set", "optimizer.lr"),
        ("train", "--set", "likelihood={kind: gaussian, scale: wide}"),
        ("train", "--set", "encoder.channels=3"),
        ("train", "--support", "binary"),
        ("train", "--data", "digits", "--set", "data.validation=test"),
        ("train", "--data", "digits", "--set", "likelihood=bernoulli", "--support", "real"),
        ("train", "--resume", "nowhere"),
        ("train", "run/config.yaml", "--data", "digits", "--set", "data.shape=[2,8,8]"),
        ("sweep", "conv"),
        ("sweep", "conv", "--set", "objective.beta=1"),
        ("evaluate", "nowhere"),
        ("compare", "run"),
        ("compare", "run", "run"),
        ("compare", "run", "nowhere"),
        ("plot", "nowhere"),
        ("plot", "run", "lattent"),
        ("plot", "run", "interpolations", "--index", "2"),
        ("decode", "run", "missing.csv"),
        ("decode", "run", "missing.npy"),
        ("decode", "run", "--z=1,2"),
        ("decode", "run", "--z=1,2,nan"),
        ("decode", "run", "--z=1e39,1,1"),
        ("encode", "run", "missing.npy"),
        ("recipes", "show", "mpl"),
        ("data", "nothing-here"),
        ("export", "run", "there", "--hub", "shared"),
        ("pull", "no-slash"),
    ],
    ids=" ".join,
)
def test_a_wrong_request_is_one_line_and_leaves_nothing(refused, run, arguments):
    assert refused(*arguments).endswith(".\n")


def test_an_error_about_a_run_of_a_sweep_names_its_option(cli):
    status, out, err = cli("sweep", "--set", "seed=1,2", "--epochs", "0")
    assert (status, out) == (2, "")
    assert err.endswith(" (option --epochs).\n")
    assert not Path("sweep").exists()


def test_an_unknown_name_gets_the_nearest_one(refused):
    assert "'conv'" in refused("train", "cnov")
    assert "'train'" in refused("trian")
    assert "'beta'" in refused("train", "--set", "objective.bta=3")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        *((ConfigError, 2), (OutputError, 2), (WorkError, 1), (DiskError, 1), (NetworkError, 1)),
        *((Interrupted, 130), (ValueError, 1), (MemoryError, 1)),
    ],
)
def test_the_kind_of_error_is_the_status(cli, monkeypatch, error, status):
    def fail():
        raise error("something failed.\nA second line.")

    monkeypatch.setattr("vaekit.recipes.names", fail)
    assert cli("recipes")[::2][0] == status


def test_interrupts_are_status_130(cli, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("vaekit.recipes.names", interrupt)
    status, out, err = cli("recipes")
    assert (status, out, err.count("\n")) == (130, "", 1)


def test_failed_work_is_status_1(cli):
    small = ("mlp", "--data", "digits", "--epochs", "1", "--train-size", "100")
    diverging = ("--set", "optimizer={kind: sgd, lr: 1.0e+30}", "--set", "encoder.hidden=[8]")
    status, out, err = cli("train", *small, *diverging, "--out", "run")
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].startswith("vaekit: ")


def test_an_unexpected_error_is_one_line_and_debug_shows_where(cli, monkeypatch):
    def fail():
        raise ZeroDivisionError("nobody\nexpected this")

    monkeypatch.setattr("vaekit.recipes.names", fail)
    status, _, err = cli("recipes")
    assert status == 1 and err.count("\n") == 1
    assert "ZeroDivisionError" in err
    monkeypatch.setattr(sys, "argv", ["vaekit", "recipes", "--debug"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_options_are_noted_on_the_error_itself(small_run):
    with pytest.raises(ConfigError) as caught:
        app(["sample", str(small_run.path), "--count", "0"], standalone_mode=False)
    assert caught.value.parameter == "count"
    assert caught.value.__notes__ == ["option --count"]


@pytest.mark.process
def test_a_reader_that_goes_away_is_no_error():
    command = f"{sys.executable} -m vaekit recipes show conv | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("#", "")


# --- Data that do not suit ------------------------------------------------------------------------


def test_examples_of_another_shape_or_without_labels(refused, run, tmp_path):
    np.save(tmp_path / "wide.npy", np.zeros((3, 9, 9), np.uint8))
    np.save(tmp_path / "plain.npy", np.zeros((3, 8, 8), np.uint8))
    np.save(tmp_path / "floats.npy", np.full((3, 8, 8), 0.5))
    assert "(1, 9, 9)" in refused("encode", "run", "wide.npy")
    assert "(option --label)" in refused("reconstruct", "run", "plain.npy", "--label", "a")
    assert "0.5" in refused("encode", "run", "floats.npy")


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
    (images / "odd.png").write_bytes(b"\x89PNG but not really")
    assert "odd.png" in refused("train", "--data", "images")


def test_images_of_several_sizes_are_an_error_about_the_size_of_the_run(refused, run):
    Path("mixed").mkdir()
    for size in (5, 8):
        Image.fromarray(np.zeros((size, 8), np.uint8)).save(f"mixed/{size}.png")
    line = refused("encode", "run", "mixed")
    assert "8x8" in line and "--resize" not in line


def test_a_folder_that_is_not_a_run_is_never_overwritten(refused, tmp_path):
    small = ("mlp", "--data", "digits", "--epochs", "1")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis.txt").write_text("years of work")
    refused("train", *small, "--out", "precious", "--overwrite")
    (tmp_path / "file").write_text("")
    refused("train", *small, "--out", "file", "--overwrite")
    assert (tmp_path / "precious/thesis.txt").read_text() == "years of work"


def test_a_wrong_request_to_overwrite_leaves_the_existing_run(refused, run):
    before = (run / "model.safetensors").read_bytes()
    refused("train", "--out", "run", "--overwrite", "--set", "objective.beta=-1")
    refused("train", "--data", "nothing", "--out", "run", "--overwrite")
    assert (run / "model.safetensors").read_bytes() == before
