"""A second stage trains the prior alone; interruptions change nothing."""

import csv
import io
import json
import math
import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from test_training_resume import TIMES
from torch.optim.optimizer import register_optimizer_step_pre_hook

import vaekit
from conftest import QUIET, TRAIN_MODULE, small_images, tensor_bytes, train_small
from raising import raises
from vaekit.config import FAMILIES
from vaekit.errors import Interrupted
from vaekit.objectives import ELBO
from vaekit.posteriors import VectorQuantized
from vaekit.training import stage_trainer
from vaekit.workflows.training_length import count_epochs

pytestmark = pytest.mark.slow

TWO_STAGES = {
    "posterior": {"kind": "vector-quantized", "codes": 4, "groups": 2},
    "prior": {"kind": "autoregressive", "width": 16, "layers": 1, "heads": 2},
    "latent_dim": 4,
    "prior_stage": {"epochs": 3, "batch_size": 16, "lr": 0.02},
}
UNIFORM = 2 * math.log(4)


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def crash() -> None:
    raise RuntimeError("as if killed")


def once(monkeypatch, stage: str, when: int, action) -> None:
    """Have `action` done at a step of a stage, the first time only."""
    left = [(stage, when)]

    class Acting(ELBO):
        name = "last"

        def __call__(self, model, x, y=None, *, step=None):
            if (self.name, step) in left:
                left.clear()
                action()
            return super().__call__(model, x, y, step=step)

    class ActingOnPrior(Acting):
        name = "prior"

    workflow = sys.modules["vaekit.workflows.training_length"]
    monkeypatch.setattr(workflow, "ELBO", ActingOnPrior)
    monkeypatch.setitem(FAMILIES["objective"], "elbo", Acting)


def facts(run: Path):
    """All that must not depend on interruptions."""
    with (run / "metrics.csv").open() as file:
        rows = [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]
    summary = json.loads((run / "summary.json").read_text())
    summary.pop("seconds")
    for row in (*rows, summary):
        row.pop("run_id")
    paths = sorted((run / "checkpoints").glob("*.safetensors"))
    tensors = {
        f"{path.stem}.{name}": tensor.tolist()
        for path in paths
        for name, tensor in load_file(path).items()
    }
    return tensor_bytes(run / "model.safetensors"), rows, summary, tensors


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    run = train_small(tmp_path_factory.mktemp("stages") / "run", **TWO_STAGES)
    return run, facts(run.path)


def test_the_history_includes_both_stages(calm):
    run, _ = calm
    metrics = run.history
    assert metrics["epoch"] == [1, 2, 3, 4, 5]
    first, later = metrics["step"][0], metrics["step"][2] - metrics["step"][1]
    assert metrics["step"] == [first, 2 * first, *(2 * first + i * later for i in (1, 2, 3))]
    assert metrics["val_divergence"][:2] == pytest.approx(
        [UNIFORM] * 2
    )  # while the prior waits it is uniform
    assert metrics["train_divergence"][:2] == pytest.approx([UNIFORM] * 2)
    assert {path.name for path in (run.path / "checkpoints").iterdir()} == {
        "last.safetensors",
        "prior.safetensors",
    }
    assert run.summary["epochs"] == 5


def test_the_prior_learns_the_distribution_of_codes(calm):
    run, _ = calm
    stage = run.history["val_divergence"][2:]
    assert stage == sorted(stage, reverse=True) and stage[-1] < UNIFORM - 0.1
    assert run.summary["best_epoch"] == 5
    assert run.history["val_loss"][-1] < run.history["val_loss"][1] - 0.1


def test_the_summary_counts_parameters_and_a_codebook_is_fixed(calm):
    run, _ = calm
    counts = run.model.count_parameters()
    assert counts["encoder"].fixed == 2 * 4 * 2 + 4
    assert run.summary["parameters"] == {
        side: {"trainable": count.trainable, "fixed": count.fixed} for side, count in counts.items()
    }


def test_the_second_stage_clips_gradients_and_lowers_its_rate(tmp_path):
    norms, rates = [], []

    def record(optimizer, *_):
        (group,) = optimizer.param_groups
        norms.append(torch.cat([p.grad.flatten() for p in group["params"]]).norm().item())
        rates.append(group["lr"])

    hook = register_optimizer_step_pre_hook(record)
    try:
        train_small(tmp_path / "run", **TWO_STAGES)
    finally:
        hook.remove()
    assert max(norms[:6]) > 1.1
    assert max(norms[6:]) == pytest.approx(1, rel=1e-4)
    middles = (np.arange(9) + 0.5) / 9
    np.testing.assert_allclose(rates[6:], 0.02 * np.minimum(middles / 0.1, (1 - middles) / 0.9))


def test_the_second_stage_starts_from_the_best_weights_of_the_first(tmp_path):
    late = {
        "optimizer": {"kind": "adam", "lr": 3.0},
        "schedule": {"kind": "linear", "warmup": 0.9},
    }  # good, then far too fast
    metrics = train_small(tmp_path / "run", training={"epochs": 4}, **TWO_STAGES, **late).history
    best = min(range(4), key=lambda i: metrics["val_loss"][i])
    assert best < 3 and metrics["val_reconstruction"][3] > metrics["val_reconstruction"][best] + 1
    assert (
        metrics["val_reconstruction"][4:] == [metrics["val_reconstruction"][best]] * 3
    )  # to the last digit that is written


class RecordingCodebook(VectorQuantized):
    """A codebook that records the progress that it is annealed with."""

    def __init__(self):
        super().__init__(8, 4, codes=4, groups=2)
        self.heard: list[float] = []

    def anneal(self, progress: float) -> None:
        self.heard.append(progress)


def test_annealing_follows_the_progress_of_its_own_stage(tmp_path):
    posterior = RecordingCodebook()
    stages = {
        name: value for name, value in TWO_STAGES.items() if name not in ("posterior", "latent_dim")
    }
    train_small(
        tmp_path / "run",
        posterior=posterior,
        latent_dim=4,
        prior=stages["prior"],
        prior_stage=stages["prior_stage"],
    )
    updates = 2 * 3  # epochs of 49 rows in batches of 16, the last row with the batch before
    assert posterior.heard == [step / updates for step in range(updates)]


def stopped_between(folder: Path, monkeypatch) -> Path:
    """A run whose first stage has ended, and whose second has not begun."""
    once(monkeypatch, "prior", 0, stop)
    with pytest.raises(Interrupted):
        train_small(folder, **TWO_STAGES)
    (folder / "checkpoints/prior.safetensors").unlink()
    return folder


def test_the_second_stage_changes_the_prior_alone(calm, tmp_path, monkeypatch):
    folder = stopped_between(tmp_path / "run", monkeypatch)
    before, after = (
        load_file(folder / "model.safetensors"),
        load_file(calm[0].path / "model.safetensors"),
    )
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {
        name for name, _ in calm[0].model.named_parameters() if name.startswith("prior.")
    }
    assert {"posterior.latent.vectors", "posterior.usage", "posterior.totals"} <= set(
        before
    ) - changed


def test_parts_are_trainable_again_after_training(calm):
    model = calm[0].model
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert model.prior.deferred is False


@pytest.mark.parametrize(
    ("stage", "step"),
    [("last", 0), ("last", 4), ("prior", 0), ("prior", 2), ("prior", 4), ("prior", 8)],
)
def test_a_signal_in_either_stage_and_resuming_ends_equal(calm, tmp_path, monkeypatch, stage, step):
    once(monkeypatch, stage, step, stop)
    with raises(Interrupted):
        train_small(tmp_path / "run", **TWO_STAGES)
    assert not (tmp_path / "run/summary.json").exists()
    assert (tmp_path / "run/checkpoints/prior.safetensors").exists() == (stage == "prior")
    vaekit.resume(tmp_path / "run", data=small_images(), console=QUIET)
    assert facts(tmp_path / "run") == calm[1]


@pytest.mark.parametrize("step", [0, 5])
def test_a_run_killed_in_the_second_stage_ends_equal(calm, tmp_path, monkeypatch, step):
    once(monkeypatch, "prior", step, crash)
    with pytest.raises(RuntimeError, match="as if killed"):
        train_small(tmp_path / "run", **TWO_STAGES)
    vaekit.resume(tmp_path / "run", data=small_images(), console=QUIET)
    assert facts(tmp_path / "run") == calm[1]


def test_a_run_killed_between_two_stages_ends_equal(calm, tmp_path, monkeypatch):
    folder = stopped_between(tmp_path / "run", monkeypatch)
    vaekit.resume(folder, data=small_images(), console=QUIET)
    assert facts(folder) == calm[1]


def test_a_run_killed_before_its_summary_ends_equal(calm, tmp_path):
    shutil.copytree(calm[0].path, tmp_path / "run")
    (tmp_path / "run/summary.json").unlink()
    vaekit.resume(tmp_path / "run", data=small_images(), console=QUIET)
    assert facts(tmp_path / "run") == calm[1]


def test_a_prior_without_a_stage_of_its_own_has_one_stage(tmp_path):
    run = train_small(tmp_path / "run", **{**TWO_STAGES, "prior": "uniform"})
    assert run.history["epoch"] == [1, 2]
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["last.safetensors"]


@pytest.mark.parametrize(
    "options",
    [{"max_steps": 7}, {"max_steps": 7, "batch_size": 10}],
    ids=["updates", "and batch size"],
)
def test_the_second_stage_has_the_configured_length(tmp_path, options):
    stages = {**TWO_STAGES, "prior_stage": options}
    run = train_small(tmp_path / "run", training={"epochs": 1}, **stages)
    assert len(run.history["epoch"]) == 1 + count_epochs(7, 49, options.get("batch_size", 32))


TWO_STAGE_RECIPE = """
latent_dim: 4
encoder: {hidden: [8]}
decoder: {hidden: [8]}
posterior: {kind: vector-quantized, codes: 4, groups: 2}
prior: {kind: autoregressive, width: 16, layers: 1, heads: 2}
training: {max_steps: 73, batch_size: 64, device: cpu}
prior_stage: {max_steps: 300}
"""


@pytest.mark.parametrize(
    ("changes", "epochs"),
    [
        ({"training": {"epochs": 7}}, (7, 14)),  # of 9 and 18 by default
        ({"training": {"epochs": 1}}, (1, 2)),
        ({"training": {"max_steps": 1}}, (1, 2)),
        ({"training": {"epochs": 1}, "prior_stage": {"epochs": 3}}, (1, 3)),
        ({"training": {"epochs": 1}, "prior_stage": {"max_steps": 7}}, (1, 1)),
        ({"training": {"batch_size": 64}}, (9, 18)),
    ],
    ids=str,
)
def test_the_second_stage_has_a_length_in_proportion(tmp_path, monkeypatch, changes, epochs):
    def stop(*args, **options):
        raise Interrupted("as if stopped.")

    monkeypatch.setattr(TRAIN_MODULE, "_fit", stop)
    data = small_images(640)  # 519 to train on: 9 steps of 64, 17 of 32
    recipe = tmp_path / "two.yaml"
    recipe.write_text(TWO_STAGE_RECIPE)
    with pytest.raises(Interrupted):
        vaekit.train(str(recipe), data=data, out=tmp_path / "run", **changes)
    config = vaekit.runs.load_config(tmp_path / "run")
    assert (config.training.epochs, config.prior_stage.epochs) == epochs


def test_steps_that_are_asked_for_replace_the_epochs_of_the_recipe(tmp_path, monkeypatch):
    def stop(*args, **options):
        raise Interrupted("as if stopped.")

    monkeypatch.setattr(TRAIN_MODULE, "_fit", stop)
    recipe = tmp_path / "two.yaml"
    by_epochs = TWO_STAGE_RECIPE.replace("max_steps: 73", "epochs: 50")
    recipe.write_text(by_epochs.replace("max_steps: 300", "epochs: 70"))
    options = {"training": {"max_steps": 17}, "prior_stage": {"max_steps": 18}}
    with pytest.raises(Interrupted):
        vaekit.train(str(recipe), data=small_images(640), out=tmp_path / "run", **options)
    config = vaekit.runs.load_config(tmp_path / "run")
    assert (config.training.epochs, config.prior_stage.epochs) == (2, 2)  # of 9 and of 17 steps


def test_both_stages_are_announced_before_the_first_step(tmp_path, calm):
    printed = io.StringIO()
    data, out = small_images(), tmp_path / "run"
    settings = {
        "training": {"epochs": 2, "batch_size": 16, "device": "cpu"},
        "encoder": {"hidden": [8]},
        "decoder": {"hidden": [8]},
    }
    vaekit.train("mlp", data=data, out=out, console=Console(file=printed), **TWO_STAGES, **settings)
    lines = printed.getvalue().splitlines()
    first_epoch = next(i for i, line in enumerate(lines) if line.startswith("epoch "))
    announced = [line for line in lines[:first_epoch] if line.startswith("stage ")]
    assert len(announced) == 2
    assert "2 epochs, about" in announced[0] and "3 epochs, about" in announced[1]
    assert facts(out) == calm[1]  # the timed steps change nothing


def test_the_first_epoch_of_the_second_stage_is_known(tmp_path):
    run = train_small(tmp_path / "run", **TWO_STAGES)
    assert run.second_stage_epoch == 3
    assert train_small(tmp_path / "one").second_stage_epoch is None


def test_early_stopping_ends_the_first_stage_only(tmp_path):
    idle = {"optimizer": {"kind": "sgd", "lr": 1e-30}, "training": {"epochs": 20, "patience": 2}}
    decay = {"posterior": {**TWO_STAGES["posterior"], "decay": 0.0, "dead_code_threshold": 0.0}}
    run = train_small(tmp_path / "run", **{**TWO_STAGES, **decay, **idle})
    assert 3 + 3 <= run.summary["epochs"] < 20
    assert run.second_stage_epoch == run.summary["epochs"] - 2


def test_relaxed_codes_have_a_uniform_prior_in_the_first_stage(tmp_path):
    posterior = {"kind": "categorical", "classes": 3}
    run = train_small(tmp_path / "run", **{**TWO_STAGES, "posterior": posterior})
    divergence = run.history["val_divergence"]
    assert len(divergence) == 5 and max(divergence[:2]) <= 4 * math.log(3)
    sampled = vaekit.load_run(run.path).model.sample_prior(50)
    torch.testing.assert_close(
        sampled.unflatten(1, (4, 3)).sum(-1), torch.ones(50, 4), rtol=0, atol=0
    )


@pytest.mark.parametrize(
    ("objective", "figure"),
    [
        ("reconstruction-only", "reconstruction"),
        ("divergence-only", "divergence"),
        ("importance-weighted", "bound"),
    ],
)
def test_the_best_epoch_is_selected_by_the_metric_of_the_objective(tmp_path, objective, figure):
    run = train_small(tmp_path / "run", objective=objective, training={"epochs": 6})
    values = run.history[f"val_{figure}"]
    assert run.summary["best_epoch"] == 1 + values.index(min(values))


def test_no_two_steps_of_both_stages_have_the_same_noise(tmp_path, monkeypatch):
    seeds = []
    monkeypatch.setattr(stage_trainer, "seed_noise", lambda *seed: seeds.append(seed))
    run = train_small(tmp_path / "run", **TWO_STAGES)
    assert len(seeds) == len(set(seeds)) == run.history["step"][-1]


def test_the_second_stage_has_a_batch_size_of_its_own(tmp_path):
    options = TWO_STAGES | {"prior_stage": {"epochs": 1, "batch_size": 7}}
    run = train_small(tmp_path / "run", **options)
    assert run.history["step"] == [3, 6, 13]  # of 49 examples, in batches of 16, then of 7
