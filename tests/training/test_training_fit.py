"""Training leaves what the run folder promises: the best weights, honest figures, the same bits for the same seed."""

import csv
import math

import numpy as np
import pytest
import torch

import vaekit
from conftest import QUIET, small_images, train_small
from vaekit.data import Dataset, Examples, Support
from vaekit.errors import ConfigError, NonFiniteError
from vaekit.evaluation import elbo_per_example
from vaekit.inputs import ModelInputs
from vaekit.objectives import ELBO, Terms
from vaekit.training.stage_trainer import CHECK_EVERY
from vaekit.workflows.training_setup import load_split


class TrackedInputs:
    """ELBO with something done to its terms at one step."""

    def __init__(self, step, change):
        self.step, self.change, self.elbo = step, change, ELBO()

    def __call__(self, model, x, *, step=None):
        terms = self.elbo(model, x, step=step)
        return self.change(model, terms) if step == self.step else terms


def weights(run):
    return {name: tensor.clone() for name, tensor in run.model.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_equal_seeds_give_equal_bits_and_others_do_not(tmp_path):
    runs = [
        train_small(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert (tmp_path / "a/model.safetensors").read_bytes() == (
        tmp_path / "b/model.safetensors"
    ).read_bytes()
    assert not same(weights(runs[0]), weights(runs[2]))


def test_training_leaves_the_callers_random_state_alone(tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    train_small(tmp_path / "run")
    assert torch.equal(torch.rand(3), expected)


def test_metrics_have_a_row_per_epoch_and_the_terms_add_up(tmp_path):
    run = train_small(tmp_path / "run", training={"epochs": 3})
    rows = list(csv.DictReader((tmp_path / "run/metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [int(row["updates"]) for row in rows] == [
        step * int(rows[0]["updates"]) for step in (1, 2, 3)
    ]
    assert list(rows[0]) == [
        *("epoch", "updates", "train_loss", "train_reconstruction", "train_divergence"),
        *("val_loss", "val_reconstruction", "val_divergence", "seconds", "samples_per_second"),
    ]
    for row in rows:
        for part in ("train", "val"):
            total = float(row[f"{part}_reconstruction"]) + float(row[f"{part}_divergence"])
            assert float(row[f"{part}_loss"]) == pytest.approx(total, rel=1e-5)
    assert run.history["val_loss"] == [float(row["val_loss"]) for row in rows]


@pytest.mark.parametrize(
    "objective",
    [{"beta": 4.0}, {"beta": 0.0}, {"free_bits": 2.0}, {"samples": 3, "divergence": "monte-carlo"}],
)
def test_validation_is_the_plain_bound_whatever_is_trained(tmp_path, objective):
    run = train_small(tmp_path / "run", objective=objective)
    best = run.summary["best_epoch"] - 1
    rows = load_split(run.path).rows(small_images(), "validation")
    terms = elbo_per_example(run.model, ModelInputs(rows.x, run.transform), seed=run.config.seed)
    assert run.history["val_loss"][best] == pytest.approx(terms.loss.mean().item(), rel=1e-6)
    assert run.history["val_divergence"][best] == pytest.approx(
        terms.divergence.sum(-1).mean().item(), rel=1e-6
    )


def test_the_best_weights_are_kept_not_the_last(tmp_path):
    def ruin(model, terms):
        with torch.no_grad():
            model.decoder.layers[-2].bias += 30.0
        return terms

    run = train_small(
        tmp_path / "run",
        objective=TrackedInputs(7, ruin),
        training={"epochs": 3},
        optimizer={"lr": 1e-5},
    )
    assert run.summary["best_epoch"] < 3
    assert min(run.history["val_loss"]) == run.history["val_loss"][run.summary["best_epoch"] - 1]
    assert run.summary["test"]["loss"]["value"] < max(run.history["val_loss"])


def test_a_shared_scale_starts_from_the_training_rows_and_goes_on_from_what_it_learned(tmp_path):
    data, slow = small_images(), {"optimizer": {"kind": "adam", "lr": 1e-9}}
    run = train_small(
        tmp_path / "run", data, likelihood={"kind": "gaussian", "scale": "shared"}, **slow
    )
    x = data.train.x / 255.0
    spread = math.sqrt(x.var(0).mean())
    assert run.model.decode(torch.zeros(1, 2)).stddev.max().item() == pytest.approx(
        spread, rel=0.05
    )
    learned = run.model.likelihood.log_var.item()
    dark = Dataset("dark", Examples(data.train.x // 4), None, data.support)
    again = vaekit.train(
        run.model, data=dark, out=tmp_path / "again", console=QUIET, training={"epochs": 1}, **slow
    )
    assert again.model.likelihood.log_var.item() == pytest.approx(learned, rel=1e-4)


def test_the_rows_that_a_scale_starts_from_are_of_every_kind(tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.inputs.BATCH", 20)
    x = (
        np.repeat(np.array([0, 100, 250], np.uint8), 300)[:, None, None].repeat(4, 1).repeat(4, 2)
    )  # sorted by class
    data = Dataset("sorted", Examples(x[:, None]), None, Support("integers", 256))
    run = train_small(
        tmp_path / "run",
        data,
        likelihood={"kind": "gaussian"},
        optimizer={"kind": "adam", "lr": 1e-9},
    )
    assert run.model.decode(torch.zeros(1, 2)).stddev.max().item() == pytest.approx(
        (x / 255).std(), rel=0.1
    )


@pytest.mark.parametrize("patience", [0, -1])
def test_a_patience_that_trains_nothing_is_refused(tmp_path, patience):
    with pytest.raises(ConfigError, match=rf"^training\.patience = {patience}: "):
        train_small(tmp_path / "run", training={"patience": patience})


def test_early_stopping_ends_after_patience_epochs_without_a_better_loss(tmp_path):
    run = train_small(
        tmp_path / "run",
        optimizer={"kind": "sgd", "lr": 1e-30},
        training={"epochs": 20, "patience": 2},
    )
    assert run.summary["epochs"] == 3


@pytest.mark.parametrize("term", ["log_likelihood", "divergence"])
def test_a_non_finite_term_stops_the_run_and_names_step_term_and_batch(tmp_path, term):
    def spoil(model, terms):
        values = {**vars(terms), term: torch.full_like(getattr(terms, term), float("nan"))}
        return Terms(**{**values, "loss": terms.loss * float("nan")})

    with pytest.raises(NonFiniteError) as error:
        train_small(tmp_path / "run", objective=TrackedInputs(4, spoil))
    message = str(error.value)
    assert f"{term} is not finite at step 4 (epoch 2, batch 2 of 3, rows " in message
    named = {int(number) for number in message.split("rows ")[1].split(", ...")[0].split(", ")}
    assert named <= set(load_split(tmp_path / "run").train.tolist())
    assert "\n" not in message
    kept = vaekit.load_run(tmp_path / "run")
    assert len(kept.metrics["epoch"]) == 1
    assert all(torch.isfinite(tensor).all() for tensor in kept.model.state_dict().values())


def spoil_gradient(model, terms):
    bias = model.decoder.layers[-2].bias
    return Terms(terms.loss + torch.sqrt((bias * 0).sum()), terms.log_likelihood, terms.divergence)


def test_a_non_finite_gradient_of_a_finite_loss_stops_the_run_at_the_next_update(tmp_path):
    with pytest.raises(
        NonFiniteError, match=r"^a weight is not finite at step 5 \(epoch 2, batch 3 of 3"
    ):
        train_small(tmp_path / "run", objective=TrackedInputs(4, spoil_gradient))
    assert_all_kept_is_finite(tmp_path / "run")


def test_a_non_finite_gradient_of_an_epochs_last_update_is_not_kept(tmp_path):
    with pytest.raises(NonFiniteError):
        train_small(tmp_path / "run", objective=TrackedInputs(5, spoil_gradient))
    assert_all_kept_is_finite(tmp_path / "run")


def test_a_non_finite_gradient_that_is_clipped_stops_the_run_before_it_reaches_the_weights(
    tmp_path,
):
    with pytest.raises(NonFiniteError, match="the gradient is not finite at step 4"):
        train_small(
            tmp_path / "run", objective=TrackedInputs(4, spoil_gradient), training={"clip": 1.0}
        )


def assert_all_kept_is_finite(folder):
    kept = vaekit.load_run(folder).model.state_dict()
    saved = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.isfinite(tensor).all() for tensor in (*kept.values(), *saved.values()))


def test_an_objective_that_is_a_module_does_not_learn(tmp_path):
    class Weighted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.elbo = torch.nn.Parameter(torch.ones(())), ELBO()

        def forward(self, model, x, *, step=None):
            terms = self.elbo(model, x, step=step)
            return Terms(self.weight * terms.loss, terms.log_likelihood, terms.divergence)

    objective = Weighted()
    train_small(tmp_path / "run", objective=objective)
    assert objective.weight.item() == 1.0


def test_where_one_does_not_look_at_every_update_nothing_that_is_not_finite_is_kept_either(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(CHECK_EVERY, "cpu", 50)

    def spoil(model, terms):
        return Terms(terms.loss * float("nan"), terms.log_likelihood, terms.divergence)

    with pytest.raises(NonFiniteError):
        train_small(tmp_path / "run", objective=TrackedInputs(4, spoil))
    assert_all_kept_is_finite(tmp_path / "run")


@pytest.mark.parametrize(
    "training",
    [
        {"precision": "64-true"},
        {"precision": "bf16-mixed"},
        {"clip": 0.5},
        {"batch_size": 1000},
        {"batch_size": 1},
    ],
)
def test_options_of_training_work(tmp_path, training):
    run = train_small(tmp_path / "run", training=training)
    assert all(np.isfinite(run.history["val_loss"]))
    expected = torch.float64 if training.get("precision") == "64-true" else torch.float32
    assert next(run.model.parameters()).dtype == expected


def test_a_model_handed_over_in_evaluation_mode_is_trained_as_any_other(tmp_path):
    options = {"hidden": [8], "batch_norm": True}
    for name, mode in (("a", True), ("b", False)):
        model = vaekit.build("mlp", small_images(), encoder=options, decoder=options).train(mode)
        training = {"epochs": 1, "batch_size": 16, "device": "cpu"}
        vaekit.train(
            model, data=small_images(), out=tmp_path / name, training=training, console=QUIET
        )
    assert (tmp_path / "a/model.safetensors").read_bytes() == (
        tmp_path / "b/model.safetensors"
    ).read_bytes()


def test_clipping_bounds_the_gradient(tmp_path):
    step = {"epochs": 1, "batch_size": 1000, "clip": 0.25}
    big = train_small(
        tmp_path / "a", optimizer={"kind": "sgd", "lr": 1.0}, schedule="constant", training=step
    )
    start = vaekit.build("mlp", small_images(), encoder={"hidden": [8]}, decoder={"hidden": [8]})
    moved = torch.cat(
        [(a - b).flatten() for a, b in zip(big.model.parameters(), start.parameters(), strict=True)]
    ).norm()
    assert moved.item() == pytest.approx(
        0.25, rel=1e-4
    )  # of one step of SGD at rate 1: the gradient's norm
