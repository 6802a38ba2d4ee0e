"""Walks, animations and comparisons from the command line."""

import json
import shutil

import pytest
from PIL import Image

from conftest import train_small


@pytest.fixture(scope="module")
def pair(tmp_path_factory, small_run):
    folder = tmp_path_factory.mktemp("pair")
    source = small_run.config.data.source
    train_small(
        folder / "[b] run",
        source,
        posterior="deterministic",
        objective="reconstruction-only",
        latent_dim=3,
    )
    shutil.copytree(small_run.path, folder / "a")
    return folder


def test_walks_as_pictures_and_as_animations(cli, pair):
    status, out, _ = cli(
        "plot", pair / "a", "interpolations", "--index", "3,1,4", "--out", "a.gif", "--json"
    )
    assert (status, json.loads(out)) == (0, {"files": ["a.gif"]})
    with Image.open("a.gif") as file:
        assert 20 < file.n_frames <= 32  # frames that are alike are one, shown longer
    _, out, _ = cli(
        "plot", pair / "a", "traversals", "interpolations", "--out", "pictures", "--json"
    )
    assert json.loads(out)["files"] == ["pictures/traversals.png", "pictures/interpolations.png"]


def test_a_table_and_two_pictures(cli, pair, tmp_path):
    status, out, _ = cli("compare", pair / "a", pair / "[b] run")
    assert status == 0
    title, header, *lines = out.splitlines()
    assert title.startswith("6 test rows of ") and title.rstrip().endswith("seed 0; nats per row")
    columns = [
        "run",
        "recipe",
        "rows",
        "latent",
        "parameters",
        "loss",
        "reconstruction",
        "divergence",
        "seconds",
        "epochs",
    ]
    assert header.split() == columns
    assert lines[0].split()[0] == "a" and lines[1].startswith("[b] run")
    assert lines[1].split()[-3:-2] == ["-"]
    assert (
        "not ranked, their protocols differ in estimator" in out
        and "[b] run reconstruction error alone, no bound" in out
    )
    assert "standard errors up to" in out
    assert {path.name for path in tmp_path.iterdir()} == {"compare.png", "compare-curves.png"}


def test_one_object_for_programs(cli, pair):
    _, out, _ = cli(
        "compare",
        pair / "a",
        pair / "[b] run",
        "--samples",
        3,
        "--limit",
        4,
        "--out",
        "both.svg",
        "--json",
    )
    found = json.loads(out)
    assert found["rows"] == 4 and found["samples"] == 3
    assert [row["run"] for row in found["runs"]] == ["a", "[b] run"]
    assert found["runs"][0]["importance_weighted_bound"]["value"] < 0
    assert found["runs"][1]["divergence"] is None
    assert found["files"] == ["both.svg", "both-curves.svg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compare",), "Missing argument 'RUN RUN ...'"),
        (("compare", "a"), "compare takes 2 to 8 runs, not 1"),
        (("compare", "a", "a"), "a is given twice"),
        (("compare", "a", "nowhere"), "nowhere is not a run folder"),
        (
            ("compare", "a", "[b] run", "--out", "x.gif"),
            "x.gif cannot be written: a comparison is a .png, .pdf or .svg",
        ),
        (("compare", "a", "[b] run", "--split", "tset"), "did you mean 'test'"),
        (
            ("plot", "a", "samples", "--out", "x.webp"),
            "samples does not move: .webp is for traversals and interpolations",
        ),
        (("plot", "a", "travesals"), "did you mean 'traversals'"),
        (
            ("plot", "a", "traversals", "interpolations", "--out", "x.gif"),
            "x.gif is one file for 2 pictures",
        ),
        (("plot", "a", "traversals", "--label", "b"), "this model is not conditional"),
        (
            ("plot", "a", "interpolations", "--index", "2"),
            "2 to 9 of them, not 1: write --index 3,18",
        ),
        (("plot", "a", "traversals", "--out", "x.mp4"), "allowed suffixes"),
    ],
)
def test_wrong_requests_are_one_line_and_leave_nothing(
    cli, pair, monkeypatch, tmp_path, arguments, message
):
    for name in ("a", "[b] run"):
        (tmp_path / name).symlink_to(pair / name)
    before = sorted(tmp_path.iterdir())
    status, out, err = cli(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert message in err
    assert sorted(tmp_path.iterdir()) == before
