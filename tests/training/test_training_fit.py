"""Training writes the best weights and true metrics, equal to the bit for equal seeds."""

import csv
import math
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.optim import SGD, RMSprop
from torch.optim.optimizer import register_optimizer_step_pre_hook

import vaekit
from conftest import QUIET, small_images, tensor_bytes, train_small
from raising import raises
from vaekit.data import Dataset, Examples, Split, Support
from vaekit.errors import ConfigError, NonFiniteError
from vaekit.inference.bounds import elbo_per_example
from vaekit.inputs import ModelInputs
from vaekit.objectives import ELBO, Terms
from vaekit.runs import load_split
from vaekit.training.stage_trainer import CHECK_STEPS

pytestmark = pytest.mark.slow


def saved_split(run):
    """The split of a run that may not be finished."""
    with (run / "split.npz").open("rb") as file:
        return Split.load(file)


class ChangedELBO:
    """ELBO whose terms are changed at one step."""

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
    saved = [tensor_bytes(tmp_path / name / "model.safetensors") for name in ("a", "b")]
    assert saved[0] == saved[1]
    assert not same(weights(runs[0]), weights(runs[2]))


def test_training_leaves_the_callers_random_state_alone(tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    train_small(tmp_path / "run")
    assert torch.equal(torch.rand(3), expected)


def test_the_history_has_a_row_per_epoch_and_the_terms_add_up(tmp_path):
    run = train_small(tmp_path / "run", training={"epochs": 3})
    rows = list(csv.DictReader((tmp_path / "run/metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [int(row["step"]) for row in rows] == [step * int(rows[0]["step"]) for step in (1, 2, 3)]
    assert list(rows[0]) == [
        *("epoch", "step", "train_loss", "train_reconstruction", "train_divergence"),
        *("val_loss", "val_reconstruction", "val_divergence", "seconds", "samples_per_second"),
        "run_id",
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
def test_validation_is_the_negative_elbo_for_every_objective(tmp_path, objective):
    run = train_small(tmp_path / "run", objective=objective, seed=5)
    best = run.summary["best_epoch"] - 1
    rows = load_split(run.path, run.run_id, {}).examples(small_images(), "validation")
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
        objective=ChangedELBO(7, ruin),
        training={"epochs": 3},
        optimizer={"lr": 1e-5},
    )
    assert run.summary["best_epoch"] < 3
    assert min(run.history["val_loss"]) == run.history["val_loss"][run.summary["best_epoch"] - 1]
    assert run.summary["validation"]["loss"] == min(run.history["val_loss"])
    assert run.summary["test"]["loss"]["value"] < max(run.history["val_loss"])


def test_a_shared_scale_starts_from_the_training_examples_once(tmp_path):
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


def test_a_scale_starts_from_evenly_spaced_examples(tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.inputs.model_inputs.MAX_BATCH_EXAMPLES", 20)
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


def test_epochs_make_at_least_the_steps(tmp_path):
    steps = {"epochs": None, "max_steps": 11, "batch_size": 10}
    run = train_small(tmp_path / "run", training=steps)
    assert run.summary["data"]["examples"]["train"] == 49
    assert run.history["step"] == [5, 10, 15]


@pytest.mark.parametrize("patience", [0, -1])
def test_a_patience_below_one_is_rejected(tmp_path, patience):
    with raises(ConfigError, "training.patience"):
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
        train_small(tmp_path / "run", objective=ChangedELBO(4, spoil))
    message = str(error.value)
    assert f"{term.replace('_', ' ')} is" in message and "step 4 (epoch 2, batch 2 of 3" in message
    named = {int(n) for n in message.split("examples ")[1].split(", ...")[0].split(", ")}
    assert named <= set(saved_split(tmp_path / "run").train.tolist())
    assert "\n" not in message
    kept = vaekit.load_run(tmp_path / "run")
    assert len(kept.history["epoch"]) == 1
    assert all(torch.isfinite(tensor).all() for tensor in kept.model.state_dict().values())


def spoil_gradient(model, terms):
    bias = model.decoder.layers[-2].bias
    return Terms(terms.loss + torch.sqrt((bias * 0).sum()), terms.log_likelihood, terms.divergence)


def test_a_non_finite_gradient_of_a_finite_loss_stops_the_run_at_the_next_step(tmp_path):
    with raises(NonFiniteError):
        train_small(tmp_path / "run", objective=ChangedELBO(4, spoil_gradient))
    assert_all_kept_is_finite(tmp_path / "run")


def test_a_non_finite_gradient_of_the_last_step_is_not_saved(tmp_path):
    with pytest.raises(NonFiniteError):
        train_small(tmp_path / "run", objective=ChangedELBO(5, spoil_gradient))
    assert_all_kept_is_finite(tmp_path / "run")


def test_a_non_finite_gradient_that_is_clipped_stops_the_run_before_it_reaches_the_weights(
    tmp_path,
):
    with raises(NonFiniteError):
        train_small(
            tmp_path / "run",
            objective=ChangedELBO(4, spoil_gradient),
            training={"grad_clip_norm": 1.0},
        )


def assert_all_kept_is_finite(folder):
    kept = vaekit.load_run(folder).model.state_dict()
    saved = load_file(folder / "checkpoints/last.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in (*kept.values(), *saved.values()))


def test_an_objective_that_is_a_module_is_not_trained(tmp_path):
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


def test_with_rare_checks_no_non_finite_weights_are_saved(tmp_path, monkeypatch):
    monkeypatch.setitem(CHECK_STEPS, "cpu", 50)

    def spoil(model, terms):
        return Terms(terms.loss * float("nan"), terms.log_likelihood, terms.divergence)

    with pytest.raises(NonFiniteError):
        train_small(tmp_path / "run", objective=ChangedELBO(4, spoil))
    assert_all_kept_is_finite(tmp_path / "run")


@pytest.mark.parametrize(
    "training",
    [
        {"precision": "64-true"},
        {"precision": "bf16-mixed"},
        {"grad_clip_norm": 0.5},
        {"batch_size": 1000},
        {"batch_size": 1},
    ],
)
def test_options_of_training_work(tmp_path, training):
    run = train_small(tmp_path / "run", training=training)
    assert all(np.isfinite(run.history["val_loss"]))
    expected = torch.float64 if training.get("precision") == "64-true" else torch.float32
    assert next(run.model.parameters()).dtype == expected


def test_a_model_in_evaluation_mode_is_trained_like_any_other(tmp_path):
    options = {"hidden": [8], "batch_norm": True}
    for name, mode in (("a", True), ("b", False)):
        model = vaekit.build("mlp", small_images(), encoder=options, decoder=options).train(mode)
        training = {"epochs": 1, "batch_size": 16, "device": "cpu"}
        vaekit.train(
            model, data=small_images(), out=tmp_path / name, training=training, console=QUIET
        )
    saved = [tensor_bytes(tmp_path / name / "model.safetensors") for name in ("a", "b")]
    assert saved[0] == saved[1]


def test_clipping_bounds_the_gradient(tmp_path):
    step = {"epochs": 1, "batch_size": 1000, "grad_clip_norm": 0.25}
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


class Recorded:
    """ELBO that writes down the loss and the number of examples of every update."""

    def __init__(self):
        self.losses, self.sizes, self.elbo = [], [], ELBO()

    def __call__(self, model, x, *, step=None):
        terms = self.elbo(model, x, step=step)
        if step is not None:  # a trial before training has none
            self.losses.append(terms.loss.item())
            self.sizes.append(len(x))
        return terms


def test_the_loss_of_training_is_the_mean_over_examples(tmp_path):
    recorded = Recorded()
    training = {"epochs": 1, "batch_size": 30, "precision": "64-true"}
    run = train_small(tmp_path / "run", objective=recorded, training=training)
    assert recorded.sizes == [30, 19]
    expected = np.average(recorded.losses, weights=recorded.sizes)
    assert run.history["train_loss"] == pytest.approx([expected], rel=1e-8)


def test_every_step_has_noise_of_its_own_by_the_seed(tmp_path):
    """All examples are the same and no weight moves, so that losses differ by their noise alone."""
    gray = Examples(np.full((60, 1, 8, 8), 100, np.uint8))
    data = Dataset("gray", gray, None, Support("integers", 256))
    training = {"precision": "64-true", "epochs": 4, "batch_size": 16, "device": "cpu"}
    settings = {"training": training, "optimizer": {"kind": "sgd", "lr": 1e-30}, "console": QUIET}
    model = vaekit.build("mlp", data)
    recorded = {"a": Recorded(), "b": Recorded(), "c": Recorded()}
    for name, seed in (("a", 0), ("b", 1), ("c", 0)):
        options = {"objective": recorded[name], "seed": seed, "out": tmp_path / name, **settings}
        vaekit.train(deepcopy(model), data=data, **options)
    first, other, again = (recorded[name].losses for name in "abc")
    assert len(first) == len(set(first)) == 12
    assert not set(first) & set(other)
    assert first == pytest.approx(again, rel=1e-12)


def test_every_rate_is_that_of_the_middle_of_its_step(tmp_path):
    """The rates of both groups of an optimizer rise for half of the training, then they fall."""
    rates = []
    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: rates.append([group["lr"] for group in optimizer.param_groups])
    )
    options = {
        "optimizer": {"kind": "muon", "lr": 0.02, "adam_lr": 0.001},
        "schedule": {"kind": "linear", "warmup": 0.5},
    }
    try:
        train_small(tmp_path / "run", **options)
    finally:
        hook.remove()
    middles = (np.arange(len(rates)) + 0.5) / len(rates)
    factors = 1 - np.abs(2 * middles - 1)
    np.testing.assert_allclose(rates, np.outer(factors, [0.02, 0.001]))


@pytest.mark.parametrize(
    ("optimizer", "by_torch"),
    [
        ({"kind": "sgd", "lr": 0.01}, partial(SGD, lr=0.01)),
        ({"kind": "rmsprop", "lr": 0.003, "eps": 1e-8}, partial(RMSprop, lr=0.003, alpha=0.9)),
    ],
    ids=["sgd", "rmsprop"],
)
def test_steps_equal_a_handwritten_loop(tmp_path, optimizer, by_torch):
    data = small_images()
    options = {"posterior": "deterministic", "objective": "reconstruction-only"}
    training = {"epochs": 4, "batch_size": 1000, "precision": "64-true"}
    settings = {"optimizer": optimizer, "schedule": "constant", "training": training}
    run = train_small(tmp_path / "run", data, **options, **settings)
    nets = {"encoder": {"hidden": [8]}, "decoder": {"hidden": [8]}}
    model = vaekit.build("mlp", data, **nets, **options).double()
    raw = load_split(run.path, run.run_id, {}).examples(data, "train").x
    x = torch.from_numpy(raw).double() / 255
    by_hand, losses = by_torch(model.parameters()), []
    for _ in range(4):
        by_hand.zero_grad()
        loss = -model.decode(model.encode(x).mean).log_prob(x).mean()
        loss.backward()
        by_hand.step()
        losses.append(loss.item())
    assert run.history["train_loss"] == pytest.approx(losses, rel=1e-8)
    assert run.summary["best_epoch"] == 4
    for found, wanted in zip(run.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)
