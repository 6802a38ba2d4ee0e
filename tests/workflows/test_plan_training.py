"""A plan says what training does, and writes nothing."""

from pathlib import Path

import numpy as np
import pytest

import vaekit
from conftest import QUIET, small_images
from raising import raises
from vaekit.errors import ConfigError, OutputError

OPTIONS = {
    "training": {"epochs": 2, "batch_size": 16, "device": "cpu"},
    "encoder": {"hidden": [8]},
    "decoder": {"hidden": [8]},
}


def test_a_plan_is_what_training_does(tmp_path):
    plan = vaekit.plan_training("mlp", data=small_images(), **OPTIONS)
    run = vaekit.train("mlp", data=small_images(), out=tmp_path / "run", console=QUIET, **OPTIONS)
    assert plan.examples == run.summary["data"]["examples"]
    assert (plan.epochs, plan.steps) == (len(run.history["epoch"]), run.history["step"][-1])
    assert plan.latent_dim == run.config.latent_dim
    counts = run.model.count_parameters().values()
    assert plan.parameters == sum(count.total for count in counts)
    assert plan.parts["likelihood"] == run.config.part("likelihood").kind
    assert plan.seconds > 0 and plan.memory_bytes > 4 * 4 * plan.parameters


def test_a_plan_of_two_stages_has_the_steps_of_both():
    options = {"latent_dim": 4, "prior_stage": {"epochs": 3, "batch_size": 16}}
    one = vaekit.plan_training("mlp", data=small_images(), **OPTIONS)
    plan = vaekit.plan_training(
        "mlp", data=small_images(), **OPTIONS, **options, posterior="finite-scalar"
    )
    assert plan.epochs == one.epochs + 3 and plan.steps > one.steps


def test_a_plan_writes_nothing_and_says_why(tmp_path, monkeypatch, cli):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).uniform(0.3, 0.7, (60, 8, 8)))
    monkeypatch.chdir(tmp_path)
    status, printed, _ = cli("train", "--data", "x.npy", "--dry-run")
    assert status == 0
    assert "gaussian" in printed and "principal components" in printed
    assert [path.name for path in Path().iterdir()] == ["x.npy"]


def test_a_plan_has_the_notes_that_training_prints():
    twice = np.concatenate([small_images().train.x] * 2)
    plan = vaekit.plan_training("mlp", data=twice, **OPTIONS)
    assert len(plan.notes) == 1 and "equal" in plan.notes[0]
    assert not vaekit.plan_training("mlp", data=small_images(), **OPTIONS).notes


def test_a_plan_refuses_what_training_refuses():
    with raises(ConfigError, "latent_dim"):
        vaekit.plan_training("mlp", data=small_images(), latent_dim=0)


@pytest.mark.parametrize("out", ["file/run", "other", "dangling"])
def test_a_plan_refuses_a_folder_that_training_cannot_write(out, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.txt").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for function in (vaekit.plan_training, vaekit.train):
        with raises(OutputError, "out"):
            function("mlp", data=small_images(), out=tmp_path / out, **OPTIONS)


def test_a_plan_makes_no_folder(tmp_path):
    vaekit.plan_training("mlp", data=small_images(), out=tmp_path / "new/run", **OPTIONS)
    assert not list(tmp_path.iterdir())


def test_a_resumed_run_has_no_plan(cli):
    status, _, message = cli("train", "--resume", "run", "--dry-run")
    assert status == 2 and "resume" in message
