"""Metrics of the latent space in an evaluation, and their warnings."""

from importlib import import_module

import numpy as np
import pytest

import vaekit
from conftest import small_images, train_small
from vaekit.evaluation import aggregate_posterior, encode_all, prior_holes
from vaekit.runs.example_selection import select_examples

pytestmark = pytest.mark.slow


def evaluate_bars(tmp_path, **options):
    """A run on labeled bars from a file, and its evaluation."""
    data = small_images(600)
    np.savez(tmp_path / "bars.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    run = train_small(tmp_path / "run", str(tmp_path / "bars.npz"), **options)
    return run, vaekit.evaluate(run, importance_samples=1, generated_examples=0)


def has_warning(latent, word: str) -> bool:
    return any(word in warning for warning in latent.warnings)


def test_a_model_that_learns_uses_its_dimensions_and_has_no_warning_of_collapse(tmp_path):
    _, evaluation = evaluate_bars(tmp_path, latent_dim=2, training={"epochs": 30})
    latent = evaluation.latent
    assert latent.examples == evaluation.examples == 60
    assert latent.dimensions == latent.active_dimensions == 2
    total = sum(latent.divergence_per_dimension)
    assert total == pytest.approx(evaluation.terms.divergence.value)
    assert 0.5 < latent.mutual_information.value <= np.log(60)
    assert latent.max_mutual_information == pytest.approx(np.log(60))
    assert latent.probes.nearest > latent.probes.most_frequent + 0.2
    assert not has_warning(latent, "collapse")


def test_posterior_collapse_is_warned_of(tmp_path):
    options = {"objective": {"beta": 1000.0}, "training": {"epochs": 10}}
    latent = evaluate_bars(tmp_path, latent_dim=3, **options)[1].latent
    assert latent.active_dimensions == 0
    assert has_warning(latent, "collapse")


def test_inactive_dimensions_are_warned_of_with_the_number_of_active_ones(tmp_path):
    latent = evaluate_bars(tmp_path, latent_dim=20, training={"epochs": 40})[1].latent
    assert 0 < latent.active_dimensions < 20
    assert has_warning(latent, f"latent_dim={latent.active_dimensions}")


def test_a_deterministic_posterior_has_no_information_and_other_data_no_probes(tmp_path):
    parts = {"posterior": "deterministic", "objective": "reconstruction-only"}
    run, evaluation = evaluate_bars(tmp_path, latent_dim=2, **parts)
    assert evaluation.latent.to_dict().keys() == {
        "examples",
        "dimensions",
        "active_dimensions",
        "prior_holes",
        "probes",
        "warnings",
    }
    other = vaekit.evaluate(run, data=small_images(30).train.x, importance_samples=1).latent
    assert other.probes is None
    assert other.examples == 30


def test_discrete_codes_have_information_but_neither_holes_nor_active_dimensions(tmp_path):
    posterior = {"kind": "categorical", "classes": 4}
    latent = evaluate_bars(tmp_path, posterior=posterior, latent_dim=3)[1].latent
    assert latent.mutual_information is not None
    assert latent.prior_holes is None and latent.active_dimensions is None


def test_a_prior_per_class_has_neither_information_nor_holes(tmp_path):
    options = {"conditional": True, "prior": "class-normal", "latent_dim": 2}
    latent = evaluate_bars(tmp_path, **options)[1].latent
    assert latent.mutual_information is None and latent.prior_holes is None
    assert latent.active_dimensions <= 2


def test_one_example_has_no_activity(small_run):
    evaluation = vaekit.evaluate(small_run, max_examples=1, generated_examples=0)
    assert evaluation.latent.active_dimensions is None


@pytest.mark.parametrize("count", [1, 2, 5, 19])
def test_a_few_examples_are_no_reason_to_warn_of_collapse(tmp_path, count):
    run = train_small(tmp_path / "run", objective={"beta": 1000.0})
    data = small_images(count).train.x
    latent = vaekit.evaluate(run, data=data, generated_examples=0).latent
    assert not has_warning(latent, "collapse") and not has_warning(latent, "inactive")
    assert has_warning(latent, f"got {count},")


def test_metrics_of_the_latent_space_have_the_noise_of_the_requested_seed(small_run):
    options = {"importance_samples": 1, "generated_examples": 0}
    latent = vaekit.evaluate(small_run, split="train", seed=7, **options).latent
    model = small_run.model
    inputs = small_run.inputs(select_examples(small_run, "train").examples)
    codes = encode_all(model, inputs, seed=7)
    information, marginal_kl = aggregate_posterior(model, codes)
    assert latent.mutual_information.value == pytest.approx(information.value, rel=1e-9)
    assert latent.marginal_kl.value == pytest.approx(marginal_kl.value, rel=1e-9)
    assert latent.prior_holes == prior_holes(model, codes, seed=7)


def test_information_is_at_most_the_logarithm_of_the_number_of_encoded_examples(
    small_run, monkeypatch
):
    module = import_module("vaekit.evaluation.latent_metrics")
    monkeypatch.setattr(module, "MAX_LATENT_EXAMPLES", 10)
    latent = vaekit.evaluate(small_run, split="train", generated_examples=0).latent
    assert latent.examples == 10
    assert latent.max_mutual_information == pytest.approx(np.log(10))
