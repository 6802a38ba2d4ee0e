"""Plots, animations and comparisons from the command line."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import vaekit.plots
from conftest import train_small

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(tmp_path_factory, small_run):
    """Two runs of one dataset and different protocols."""
    folder = tmp_path_factory.mktemp("pair")
    options = {"posterior": "deterministic", "objective": "reconstruction-only"}
    source = small_run.config.data.source
    train_small(folder / "[b] run", source, latent_dim=3, **options)
    shutil.copytree(small_run.path, folder / "a")
    return folder


@pytest.fixture
def links(pair, tmp_path):
    """The two runs in the folder of the commands."""
    for name in ("a", "[b] run"):
        (tmp_path / name).symlink_to(pair / name)


def test_latent_paths_are_plots_or_animations(cli, pair):
    options = ("--index", "3,1,4", "--out", "a.gif", "--json")
    status, out, _ = cli("plot", pair / "a", "interpolations", *options)
    assert (status, json.loads(out)) == (0, {"files": ["a.gif"]})
    with Image.open("a.gif") as file:
        assert 20 < file.n_frames <= 32  # equal frames are merged
    names = ("traversals", "interpolations")
    _, out, _ = cli("plot", pair / "a", *names, "--out", "plots", "--json")
    assert json.loads(out)["files"] == ["plots/traversals.png", "plots/interpolations.png"]


def test_plots_of_a_range_and_of_other_data(cli, pair):
    across = ("--across=-2:2", "--down=-1:3", "--out", "grid.png", "--json")
    status, out, err = cli("plot", pair / "a", "grid", *across)
    assert status == 0, err
    assert json.loads(out)["files"] == ["grid.png"]
    np.save("mine.npy", np.zeros((3, 8, 8), np.uint8))
    data = ("--data", "mine.npy", "--out", "mine.png", "--json")
    _, out, _ = cli("plot", pair / "a", "reconstructions", *data)
    assert json.loads(out)["files"] == ["mine.png"]


def test_reconstructions_of_one_class(cli, pair, tmp_path, monkeypatch):
    labels = []
    draw = vaekit.plots.reconstructions

    def record(*args, **kwargs):
        labels.append(kwargs["labels"])
        return draw(*args, **kwargs)

    monkeypatch.setattr(vaekit.plots, "reconstructions", record)
    shutil.copytree(pair / "a", tmp_path / "run")
    options = ("--label", "b", "--index", "0-1", "--split", "train")
    status, _, err = cli("plot", "run", "reconstructions", *options)
    assert status == 0, err
    assert labels == [["b", "b"]]


def test_a_comparison_is_a_table_and_two_plots(cli, pair, tmp_path):
    status, out, _ = cli("compare", pair / "a", pair / "[b] run")
    assert status == 0
    title, header, *lines = out.splitlines()
    assert title.startswith("6 test examples of ")
    assert title.rstrip().endswith("seed 0; nats per example")
    assert header.split()[:5] == ["run", "recipe", "examples", "latent", "parameters"]
    assert header.split()[-2:] == ["seconds", "epochs"]
    assert lines[0].split()[0] == "a" and lines[1].startswith("[b] run")
    assert lines[1].split()[-3] == "-"  # a deterministic posterior has no divergence
    assert any(line.startswith("not ranked") for line in lines)
    assert {path.name for path in tmp_path.iterdir()} == {"compare.png", "compare-curves.png"}


def test_runs_of_one_protocol_are_ranked(cli, pair, tmp_path):
    shutil.copytree(pair / "a", tmp_path / "c")
    shutil.copytree(pair / "a", tmp_path / "d")
    status, out, _ = cli("compare", "c", "d")
    assert status == 0
    (line,) = (line for line in out.splitlines() if line.startswith("ranked by"))
    assert line.endswith("c, d (behind by 0.00 +- 0.00)")


def test_a_comparison_is_one_object_for_programs(cli, pair):
    options = ("--importance-samples", 3, "--max-examples", 4, "--out", "both.svg", "--json")
    _, out, _ = cli("compare", pair / "a", pair / "[b] run", *options)
    comparison = json.loads(out)
    assert comparison["examples"] == 4 and comparison["importance_samples"] == 3
    assert [run["run"] for run in comparison["runs"]] == ["a", "[b] run"]
    assert comparison["runs"][0]["importance_weighted_bound"]["value"] < 0
    assert comparison["runs"][1]["divergence"]["value"] is None
    assert comparison["runs"][1]["divergence"]["unavailable"]
    assert comparison["files"] == ["both.svg", "both-curves.svg"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", "a"),
        ("compare", "a", "a"),
        ("compare", "a", "nowhere"),
        ("compare", "a", "[b] run", "--out", "x.gif"),
        ("compare", "a", "[b] run", "--split", "tset"),
        ("plot", "a", "samples", "--out", "x.webp"),
        ("plot", "a", "travesals"),
        ("plot", "a", "traversals", "interpolations", "--out", "x.gif"),
        ("plot", "a", "traversals", "--label", "b"),
        ("plot", "a", "interpolations", "--index", "2"),
        ("plot", "a", "traversals", "--out", "x.mp4"),
    ],
    ids=" ".join,
)
def test_wrong_requests_leave_nothing(refused, links, arguments):
    assert refused(*arguments)
