"""Scores of rows: what they are made of, and what they find."""

import csv

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import vaekit
from conftest import small_images, train_small
from vaekit.data import Examples
from vaekit.errors import ConfigError
from vaekit.runs.run_data import find_examples
from vaekit.workflows.files import save_scores
from vaekit.workflows.score import SCORES, score


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that has learned bars, read-only for tests."""
    return train_small(
        tmp_path_factory.mktemp("score") / "run",
        small_images(600),
        training={"epochs": 20},
        latent_dim=3,
    )


def test_scores_are_the_figures_of_evaluate_row_by_row(run):
    rows = small_images(40).train
    found = {
        by: score(run, rows, by, samples=1, seed=3)
        for by in SCORES
        if by not in ("typicality", "density")
    }
    figures = vaekit.evaluate(run, data=rows.x, samples=1, seed=3)
    for by, figure, sign in (
        ("loss", "loss", 1),
        ("reconstruction", "reconstruction", 1),
        ("latent", "divergence", 1),
        ("bound", "importance_weighted_bound", -1),
    ):
        assert found[by].mean() == pytest.approx(sign * figures[figure]["value"], rel=1e-6)
    np.testing.assert_allclose(found["loss"], found["reconstruction"] + found["latent"])


@pytest.mark.parametrize("by", ["bound", "loss", "reconstruction"])
def test_what_is_no_bar_is_odder_than_every_bar(run, by):
    noise = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)
    assert score(run, Examples(noise), by).min() > score(run, small_images(40).train, by).max()


def test_a_row_that_is_too_easy_is_untypical_and_not_unlikely(tmp_path):
    np.save(tmp_path / "bars.npy", small_images(900).train.x)
    run = train_small(
        tmp_path / "run", str(tmp_path / "bars.npy"), training={"epochs": 20}, latent_dim=3
    )
    blank, bars = Examples(np.full((1, 1, 8, 8), 20, np.uint8)), small_images(40).train
    assert score(run, blank, "loss")[0] < score(run, bars, "loss").mean()
    assert score(run, blank, "typicality")[0] > np.median(score(run, bars, "typicality"))


def test_a_class_that_was_not_seen_is_found_by_the_density_of_codes(tmp_path):
    y = np.arange(900) % 4
    x = (3 * np.eye(4)[y] + np.random.default_rng(0).normal(0, 0.3, (900, 4))).astype(np.float32)
    np.save(tmp_path / "x.npy", x[y != 1])
    run = train_small(
        tmp_path / "run", str(tmp_path / "x.npy"), training={"epochs": 40}, latent_dim=3
    )
    assert roc_auc_score(y == 1, score(run, Examples(x), "density")) > 0.95
    usual = score(run, find_examples(run, "validation")[0], "density")
    assert abs(usual.mean()) < 1e-6  # in deviations of these rows


def test_scores_as_a_table_and_as_an_array(tmp_path):
    values = np.array([1.5, -2.25])
    save_scores(tmp_path / "s.csv", values, ["a", "b"])
    assert list(csv.reader((tmp_path / "s.csv").read_text().splitlines())) == [
        ["row", "class", "score"],
        ["0", "a", "1.5"],
        ["1", "b", "-2.25"],
    ]
    save_scores(tmp_path / "s.npy", values)
    assert (np.load(tmp_path / "s.npy") == values).all()


def test_what_is_refused(run, tmp_path):
    rows = small_images(4).train
    with pytest.raises(ConfigError, match="unknown score 'bounds': did you mean 'bound'"):
        score(run, rows, "bounds")
    with pytest.raises(ConfigError, match="samples = 0: at least 1"):
        score(run, rows, samples=0)
    plain = train_small(
        tmp_path / "plain", posterior="deterministic", objective="reconstruction-only"
    )
    assert len(score(plain, rows, "reconstruction")) == 4
    for by, message in (
        ("latent", "no divergence: score by reconstruction"),
        ("bound", "has no density"),
    ):
        with pytest.raises(ConfigError, match=message):
            score(plain, rows, by)
