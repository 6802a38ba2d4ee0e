"""Anomaly scores of examples: their terms, and the anomalies that they detect."""

import csv

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.distributions import Independent, Normal

import vaekit
from conftest import QUIET, small_images, train_small
from raising import raises
from vaekit import likelihoods, nets, priors, workflows
from vaekit.data import Examples
from vaekit.errors import ConfigError
from vaekit.evaluation import atypicality_score, elbo_per_example
from vaekit.inference.output import save_scores
from vaekit.inference.scoring import NEED_RUN_DATA, SCORES, available_scores
from vaekit.posteriors import Posterior
from vaekit.runs.example_selection import select_examples

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that has learned bars; tests must not change it."""
    folder = tmp_path_factory.mktemp("score")
    return train_small(folder / "run", small_images(600), training={"epochs": 20}, latent_dim=3)


def test_mean_scores_are_the_metrics_of_an_evaluation(run):
    x = small_images(40).train.x
    scores = {
        metric: run.score(x, metric=metric, samples=1, seed=3)
        for metric in SCORES
        if metric not in NEED_RUN_DATA
    }
    evaluation = vaekit.evaluate(run, data=x, importance_samples=1, seed=3)
    terms = evaluation.terms
    assert scores["loss"].mean() == pytest.approx(terms.loss.value, rel=1e-6)
    assert scores["reconstruction"].mean() == pytest.approx(terms.reconstruction.value, rel=1e-6)
    assert scores["latent"].mean() == pytest.approx(terms.divergence.value, rel=1e-6)
    bound = evaluation.importance_weighted_bound.value
    assert scores["bound"].mean() == pytest.approx(-bound, rel=1e-6)
    np.testing.assert_allclose(scores["loss"], scores["reconstruction"] + scores["latent"])


@pytest.mark.parametrize("metric", ["bound", "loss", "reconstruction"])
def test_noise_is_more_anomalous_than_every_bar(run, metric):
    noise = np.random.default_rng(0).integers(0, 256, (20, 1, 8, 8), dtype=np.uint8)
    bars = small_images(40).train
    assert run.score(noise, metric=metric).min() > run.score(bars, metric=metric).max()


def test_a_blank_image_is_atypical_although_it_is_likely(tmp_path):
    np.save(tmp_path / "bars.npy", small_images(900).train.x)
    options = {"training": {"epochs": 20}, "latent_dim": 3}
    run = train_small(tmp_path / "run", str(tmp_path / "bars.npy"), **options)
    blank = np.full((1, 1, 8, 8), 20, np.uint8)
    bars = small_images(40).train
    assert run.score(blank, metric="loss")[0] < run.score(bars, metric="loss").mean()
    typicality = run.score(bars, metric="typicality")
    assert run.score(blank, metric="typicality")[0] > np.median(typicality)


def test_an_unseen_class_is_detected_by_the_density_of_codes(tmp_path):
    y = np.arange(900) % 4
    x = (3 * np.eye(4)[y] + np.random.default_rng(0).normal(0, 0.3, (900, 4))).astype(np.float32)
    np.save(tmp_path / "x.npy", x[y != 1])
    options = {"training": {"epochs": 40}, "latent_dim": 3}
    run = train_small(tmp_path / "run", str(tmp_path / "x.npy"), **options)
    assert roc_auc_score(y == 1, run.score(x, metric="density")) > 0.95
    validation = select_examples(run, "validation").examples
    assert abs(run.score(validation, metric="density").mean()) < 1e-6  # standardized on these


class FirstValue(Posterior):
    """q(z|x) = N(first value of x, 0.01^2)."""

    def __init__(self):
        super().__init__()
        self.latent = (1,)
        self.latent_dim = 1

    def forward(self, features):
        z = features[:, :1]
        return Independent(Normal(z, torch.full_like(z, 0.01)), 1)


@pytest.fixture(scope="module")
def origin_run(tmp_path_factory):
    """A run whose code is the first of three values, and whose reconstruction is the origin."""
    folder = tmp_path_factory.mktemp("origin")
    x = np.random.default_rng(0).normal([3.0, 0, 0], [0.2, 2, 2], (4000, 3)).astype(np.float32)
    np.save(folder / "x.npy", x)
    decoder = nets.MLPDecoder(1, (3,), hidden=())
    torch.nn.init.zeros_(decoder.layers[0].weight)
    encoder = nets.MLPEncoder((3,), 1, hidden=())
    likelihood = likelihoods.Gaussian((3,))
    model = vaekit.VAE(encoder, FirstValue(), priors.StandardNormal(1), decoder, likelihood)
    untrained = {
        "optimizer": {"kind": "sgd", "lr": 1e-30},
        "training": {"epochs": 1, "device": "cpu"},
        "console": QUIET,
    }
    return vaekit.train(model, data=str(folder / "x.npy"), out=folder / "run", **untrained)


def test_density_adds_the_rarity_of_the_code_and_the_error_of_the_reconstruction(origin_run):
    typical = [3.0, 1, 1]
    large_error = [3.0, 1, 7]
    rare_code = [-3.0, 1, 1]
    examples = np.array([typical, large_error, rare_code] * 400, np.float32)  # several batches
    scores = origin_run.score(examples, metric="density").reshape(400, 3)
    np.testing.assert_allclose(scores, np.broadcast_to(scores[0], scores.shape), rtol=1e-5)
    validation = select_examples(origin_run, "validation").examples.x.astype(np.float64)
    errors = np.square(validation).mean(1)
    expected = (7**2 - 1) / 3 / errors.std(ddof=1)
    assert scores[0, 1] - scores[0, 0] == pytest.approx(expected, rel=1e-4)
    assert scores[0, 2] - scores[0, 0] > 10  # thirty standard deviations from the other codes


def test_typicality_is_that_of_reconstruction_and_divergence_together(origin_run):
    """Examples of one length have one reconstruction; their divergence is the code's square."""
    half = 5.5**0.5
    typical = [3.0, 1, 1]
    low_divergence = [0.0, half, half]
    high_reconstruction = [3.0, 1, 12]
    examples = np.array([typical, low_divergence, high_reconstruction], np.float32)
    reconstruction = origin_run.score(examples, metric="reconstruction")
    assert reconstruction[0] == pytest.approx(reconstruction[1])
    typicality = origin_run.score(examples, metric="typicality")
    assert typicality[1:].min() > typicality[0] + 10


def test_typicality_is_computed_from_the_requested_samples_and_seed(small_run):
    def statistics(part):
        inputs = small_run.inputs(select_examples(small_run, part).examples)
        terms = elbo_per_example(small_run.model, inputs, seed=4, samples=3)
        return torch.stack([terms.reconstruction, terms.divergence.sum(-1)], 1).numpy()

    expected = atypicality_score(statistics("validation"), statistics("test"))
    x = select_examples(small_run).examples
    scores = small_run.score(x, metric="typicality", samples=3, seed=4)
    np.testing.assert_allclose(scores, expected)


@pytest.mark.parametrize("metric", ["bound", "loss", "reconstruction", "typicality"])
def test_equal_examples_of_different_batches_have_different_noise(run, tmp_path, metric):
    if metric in NEED_RUN_DATA:
        np.save(tmp_path / "bars.npy", small_images(100).train.x)
        run = train_small(tmp_path / "run", str(tmp_path / "bars.npy"))
    x = np.broadcast_to(small_images(1).train.x, (1100, 1, 8, 8))
    scores = run.score(Examples(x), metric=metric, samples=1)
    largest_count = max(np.unique(scores, return_counts=True)[1])
    assert largest_count < 10  # equal in float32 by chance only
    assert (scores[500:1000] != scores[:500]).mean() > 0.9


def test_scores_are_written_as_a_table_and_as_an_array(tmp_path):
    scores = np.array([1.5, -2.25])
    save_scores(tmp_path / "s.csv", scores, ["a", "b"])
    assert list(csv.reader((tmp_path / "s.csv").read_text().splitlines())) == [
        ["example", "class", "score"],
        ["0", "a", "1.5"],
        ["1", "b", "-2.25"],
    ]
    save_scores(tmp_path / "s.npy", scores)
    np.testing.assert_array_equal(np.load(tmp_path / "s.npy"), scores)


def test_the_scores_of_a_split_are_written_to_a_file(small_run, tmp_path):
    options = {"metric": "loss", "samples": 3, "seed": 2}
    result = workflows.score(small_run, tmp_path / "s.npy", split="train", **options)
    train = select_examples(small_run, "train").examples
    np.testing.assert_array_equal(np.load(result.path), result.scores)
    np.testing.assert_array_equal(result.scores, small_run.score(train, **options))
    assert result.part == "train"


def test_invalid_options_are_refused(run, small_run, tmp_path):
    x = small_images(4).train.x
    with raises(ConfigError, "metric"):
        run.score(x, metric="bounds")
    with raises(ConfigError, "samples"):
        run.score(x, samples=0)
    with raises(ConfigError, "out"):
        workflows.score(small_run, tmp_path / "scores.txt")


def test_a_deterministic_posterior_has_the_scores_without_a_density(tmp_path):
    x = small_images(4).train.x
    parts = {"posterior": "deterministic", "objective": "reconstruction-only"}
    plain = train_small(tmp_path / "plain", **parts)
    assert available_scores(plain.model) == ("loss", "reconstruction", "typicality", "density")
    assert len(plain.score(x, metric="reconstruction")) == 4
    for metric in ("latent", "bound"):
        with raises(ConfigError, "metric"):
            plain.score(x, metric=metric)


def test_names_of_files_are_the_first_column_and_no_formulas(tmp_path):
    save_scores(tmp_path / "s.csv", np.array([1.0, 2.0]), files=["a/1.png[0,8]", "=cmd().png"])
    lines = list(csv.reader((tmp_path / "s.csv").read_text().splitlines()))
    assert lines == [
        ["file", "example", "score"],
        ["a/1.png[0,8]", "0", "1"],
        ["./=cmd().png", "1", "2"],
    ]
