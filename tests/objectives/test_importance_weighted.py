"""The importance-weighted objective, its bound, and the ELBO for one sample."""

import numpy as np
import pytest
import torch

from conftest import small_images, train_small
from raising import raises
from test_linear_gaussian import INPUTS, SHIFT, TRUTH, WIDER, X, linear_model
from vaekit.errors import ConfigError
from vaekit.evaluation import importance_weighted_bound
from vaekit.inputs import ModelInputs
from vaekit.objectives import ELBO, ImportanceWeighted
from vaekit.runtime.seeding import seeded_noise


def test_one_sample_is_the_elbo_of_that_sample():
    model = linear_model(SHIFT, WIDER)
    with seeded_noise(0):
        weighted = ImportanceWeighted(samples=1)(model, X).loss
    with seeded_noise(0):
        elbo = ELBO(divergence="monte-carlo")(model, X).loss
    torch.testing.assert_close(weighted, elbo, rtol=0, atol=1e-12)


def test_it_is_the_bound_that_evaluation_reports():
    model = linear_model(SHIFT, WIDER)
    with seeded_noise(0, 0):
        loss = ImportanceWeighted(samples=7)(model, X).loss
    assert -loss.item() == pytest.approx(
        importance_weighted_bound(model, INPUTS, 7, seed=0).mean().item(), abs=1e-12
    )


def test_at_the_true_posterior_it_is_log_p_x():
    terms = ImportanceWeighted(samples=5)(linear_model(), X)
    torch.testing.assert_close(terms.loss, -TRUTH.mean(), rtol=0, atol=1e-8)


def test_more_samples_are_closer():
    model = linear_model(SHIFT, WIDER)

    def loss(samples: int) -> float:
        return (
            sum(ImportanceWeighted(samples=samples)(model, X).loss.item() for _ in range(200)) / 200
        )

    losses = [loss(samples) for samples in (1, 5, 50)]
    assert losses[0] > losses[1] > losses[2] > -TRUTH.mean().item()


def test_samples_are_at_least_one():
    with raises(ConfigError, "samples"):
        ImportanceWeighted(samples=0)


def test_training_validates_by_its_bound(tmp_path):
    objective = {"kind": "importance-weighted", "samples": 7}
    run = train_small(tmp_path / "run", objective=objective, latent_dim=2, seed=5)
    data = small_images()
    validation = data.train.x[np.load(run.path / "split.npz")["validation"]]
    best = run.summary["best_epoch"] - 1
    bound = importance_weighted_bound(
        run.model, ModelInputs(validation, run.transform), 7, seed=run.config.seed
    )
    assert run.history["val_bound"][best] == pytest.approx(-bound.mean().item(), rel=1e-6)
    assert run.summary["validation"]["bound"] == run.history["val_bound"][best]
    assert "val_bound" not in train_small(tmp_path / "elbo").history
