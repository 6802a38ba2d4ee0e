"""Commands print tables for people and one JSON object for programs."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import with_plots
from vaekit import recipes

pytestmark = pytest.mark.slow

SMALL = ("mlp", "--data", "digits", "--epochs", "1", "--device", "cpu", "--train-size", "100")
SMALL = (*SMALL, "--set", "encoder.hidden=[8]")


@pytest.fixture
def run(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return "run"


@pytest.fixture
def result(cli):
    """Run a command with --json that must succeed, and return its object."""

    def run(*arguments: object) -> dict[str, Any]:
        status, out, err = cli(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    return run


def test_a_run_is_trained_evaluated_and_used(result):
    with with_plots():
        trained = result("train", *SMALL, "--out", "run")
    assert trained["run"] == "run"
    assert trained["summary"]["data"]["examples"]["train"] == 100
    plots = "curves dimensions grid latent losses nearest reconstructions samples"
    assert sorted(Path(path).stem for path in trained["plots"]) == plots.split()

    metrics = result("evaluate", "run", "--importance-samples", 5, "--max-examples", 50)
    assert metrics["examples"] == 50
    loss = metrics["reconstruction"]["value"] + metrics["divergence"]["value"]
    assert metrics["loss"]["value"] == pytest.approx(loss)
    assert metrics["bits_per_dimension"]["value"] is None
    assert metrics["bits_per_dimension"]["unavailable"]

    encoded = result("encode", "run", "--out", "codes.csv")
    assert encoded == {"examples": 180, "part": "test", "latent_dim": 2, "file": "codes.csv"}
    decoded = result("decode", "run", "codes.csv", "--out", "decoded.npy")
    assert decoded["examples"] == len(np.load("decoded.npy")) == 180
    assert result("decode", "run", "--z=0.5,-1", "--z=0,0", "--out", "two.npy")["examples"] == 2
    examples = result("reconstruct", "run", "--index", "0,3-5")["examples"]
    assert [example["index"] for example in examples] == [0, 3, 4, 5]
    assert all(len(example["code"]) == len(example["stddev"]) == 2 for example in examples)
    of_class = result("reconstruct", "run", "--label", "7", "--index", "0")["examples"]
    assert of_class[0]["class"] == "7"
    with Image.open(result("sample", "run", "--count", 9, "--out", "sheet.png")["file"]) as sheet:
        assert min(sheet.size) > 20


def test_people_get_tables(cli):
    with with_plots():
        _, out, err = cli("train", *SMALL, "--out", "run")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[-3:]] == ["run", "plots", "next"]
    assert lines[-3].split() == ["run", "run"]
    assert lines[-2].split(maxsplit=1)[1] == "run/plots (8 files)"
    assert lines[-1].split(maxsplit=1)[1] == "vaekit evaluate run --report"
    assert "Loss (negative ELBO), nats per example" in out
    assert "epoch 1/1" in err

    _, out, _ = cli("evaluate", "run", "--importance-samples", 3)
    assert "Importance-weighted bound (K = 3), nats per example" in out
    for section in ("Likelihood", "Latent space", "Reconstructions", "Samples", "estimator"):
        assert section in out
    header, *lines = cli("reconstruct", "run", "--index", "0-2")[1].splitlines()
    assert header.split() == ["index", "class", "code", "stddev"]
    assert [line.split()[0] for line in lines] == ["0", "1", "2", "file"]


def test_the_metrics_printed_are_those_of_the_result(cli, result, run):
    options = ("evaluate", run, "--max-examples", 4)
    metrics = result(*options)
    _, out, _ = cli(*options)
    for title, name, digits in (
        ("Loss", "loss", 2),
        ("Reconstruction,", "reconstruction", 2),
        ("Divergence", "divergence", 2),
        ("Importance", "importance_weighted_bound", 2),
    ):
        line = next(each for each in out.splitlines() if each.startswith(title))
        value, error = line.split()[-2:]
        assert value == f"{metrics[name]['value']:.{digits}f}"
        assert error == f"{metrics[name]['standard_error']:.{digits}f}"


def test_a_report_is_written_and_named(result, run):
    written = result("evaluate", run, "--max-examples", 4, "--report")
    assert written["report"] == "run/report.html"
    assert Path("run/report.html").read_text(encoding="utf-8").startswith("<!")


def test_recipes_are_listed_shown_and_can_be_changed(cli, result):
    assert [each["name"] for each in result("recipes")["recipes"]] == recipes.names()
    _, out, _ = cli("recipes", "show", "mlp")
    Path("mine.yaml").write_text(out + "latent_dim: 3\n")
    trained = result("train", "mine.yaml", *SMALL[1:], "--out", "run")
    assert trained["summary"]["recipe"] == "mine"


def test_datasets_are_listed_and_described(result):
    assert {"mnist", "digits"} <= {each["name"] for each in result("data")["datasets"]}
    facts = result("data", "digits")
    assert (facts["shape"], facts["support"]) == ([1, 8, 8], "integers:17")
    assert (facts["train"], facts["test"]) == (1797, None)


def test_keys_are_listed(cli, result):
    keys = {key["name"]: key for key in result("config", "keys")["keys"]}
    assert keys["training.batch_size"]["default"] in (64, "64")
    assert {"data.train_size", "latent_dim", "objective.beta"} <= keys.keys()
    assert all(key["meaning"] and key["type"] for key in keys.values())
    section = [key["name"] for key in result("config", "keys", "training")["keys"]]
    assert section and all(name.startswith("training.") for name in section)
    _, out, _ = cli("config", "keys", "training")
    assert all(name in out for name in section)


def test_a_sweep_takes_the_options_of_a_training(result):
    options = ("--epochs", 1, "--train-size", 100, "--batch-size", 50, "--seed", 3)
    swept = result("sweep", "mlp", "--data", "digits", *options, "--set", "objective.beta=1,2")
    assert len(swept["runs"]) == 2
    for folder in ("sweep/beta=1", "sweep/beta=2"):
        summary = json.loads(Path(folder, "summary.json").read_text())
        assert (summary["data"]["examples"]["train"], summary["seed"]) == (100, 3)


def test_an_interrupted_run_is_resumed(result, run):
    resumed = result("train", "--resume", run)
    assert resumed["run"] == run


def test_examples_that_are_not_images_are_written_as_arrays(result):
    np.save("table.npy", np.random.default_rng(0).normal(size=(60, 6)))
    result("train", "--data", "table.npy", "--epochs", "1", "--out", "table", "--latent-dim", "2")
    assert result("sample", "table", "--count", "5")["file"] == "table/plots/sample-0.npy"
    assert np.load("table/plots/sample-0.npy").shape == (5, 6)
    assert result("decode", "table", "--z=0,0")["file"] == "decoded.npy"


def test_missing_values_are_imputed(result, run):
    images = np.full((3, 8, 8), 40.0)
    images[:, 2] = np.nan
    np.save("gaps.npy", images)
    imputed = result("impute", run, "gaps.npy", "--iterations", 3, "--proposals", 2)
    assert imputed == {"examples": 3, "missing_fraction": 0.125, "file": "imputed.npy"}
    assert np.isfinite(np.load("imputed.npy")).all()


def test_scores_name_the_most_anomalous_examples(result, run):
    scored = result("score", run, "--metric", "loss")
    scores = [float(line.split(",")[-1]) for line in Path("scores.csv").read_text().split()[1:]]
    assert scored["examples"] == len(scores)
    assert scored["most_anomalous"][0] == int(np.argmax(scores))
    assert scored["mean"] == pytest.approx(np.mean(scores), abs=1e-3)


def test_samples_of_a_mixture_differ_from_those_of_the_prior(result, run):
    result("sample", run, "--count", "3", "--out", "prior.npy")
    result("sample", run, "--count", "3", "--mixture", "--out", "mixture.npy")
    prior, mixture = np.load("prior.npy"), np.load("mixture.npy")
    assert prior.shape == mixture.shape and not np.array_equal(prior, mixture)


def test_the_likelihood_is_sampled_on_request(result, run):
    result("sample", run, "--count", "3", "--sample-likelihood", "--out", "sampled.npy")
    result("sample", run, "--count", "3", "--out", "means.npy")
    sampled, means = np.load("sampled.npy"), np.load("means.npy")
    assert sampled.shape == means.shape and not np.array_equal(sampled, means)


def test_a_run_is_exported(cli, result, run):
    exported = result("export", run, "onnx")
    assert {Path(path).name for path in exported["files"]} >= {"encoder.onnx", "decoder.onnx"}
    status, out, _ = cli("export", run, "onnx", "--overwrite")
    assert status == 0 and out.count("file") == len(exported["files"])
    shared = result("export", run, "--hub", "shared", "--license", "mit")
    assert "shared/README.md" in shared["files"]
    status, out, _ = cli("export", run, "--hub", "shared", "--overwrite")
    assert status == 0 and "shared/README.md" in out
    page = result("export", run, "page.html")
    assert page["file"] == "page.html" and Path("page.html").is_file()


# --- Servers -------------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch):
    """Servers report their address and end at once, on a desktop; the pages that are opened."""
    pages: list[str] = []

    class Immediate:
        def __init__(self, target, args, daemon):
            target(*args)

        def start(self):
            pass

    def report_address(run, *, ready, **_):
        ready("http://127.0.0.1:8123")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", pages.append)
    monkeypatch.setattr("threading.Thread", Immediate)
    monkeypatch.setattr("vaekit.workflows.explore", report_address)
    monkeypatch.setattr("vaekit.workflows.serve", report_address)
    return pages


def test_the_page_of_the_explorer_is_opened_unless_it_must_not_be(cli, result, opened):
    assert "http://127.0.0.1:8123" in cli("explore", "run", "--no-browser")[1]
    assert opened == []
    assert result("explore", "run") == {"address": "http://127.0.0.1:8123"}
    assert opened == ["http://127.0.0.1:8123"]


def test_a_server_prints_its_address_and_description(cli, result, opened):
    address = "http://127.0.0.1:8123"
    described = {"address": address, "description": f"{address}/openapi.json"}
    assert result("serve", "run") == described
    assert f"{address}/v1/sample" in cli("serve", "run")[1]
    assert opened == []
