"""The plan of a training: what `train` would do, without writing anything."""

import math
import os
from dataclasses import asdict, dataclass
from typing import Any

from vaekit import runs
from vaekit.arguments import as_path
from vaekit.config import MODEL_PARTS
from vaekit.core.vae import VAE
from vaekit.json_types import JsonObject
from vaekit.runtime.library_call import library_call
from vaekit.training.batches import count_batches
from vaekit.training.stage_timing import bytes_per_step, seconds_per_step
from vaekit.training.stages import Stage
from vaekit.workflows.announcement import data_notes
from vaekit.workflows.training_setup import TrainingSetup, prepare_training

COPIES_OF_WEIGHTS = 4
"""Weights, gradients and the two averages of Adam."""


@dataclass(frozen=True)
class TrainingPlan:
    """What a training would do.

    Attributes:
        recipe: Name of the recipe.
        dataset: Name of the dataset.
        shape: Shape of one example.
        support: Values of the data.
        parts: The kind of each part of the model.
        parameters: Number of trained and fixed parameters of encoder, decoder and prior.
        latent_dim: Number of latent dimensions.
        choices: A phrase for each choice that the data made, with its reason.
        notes: What whoever trains on the data should know.
        examples: Number of examples of each split.
        epochs: Passes over the training examples, of all stages.
        steps: Updates of the weights, of all stages.
        batch_size: Examples of one step.
        seconds: Estimated duration of all steps on this machine, without validation and plots.
        memory_bytes: Estimated memory of weights, optimizer, one step and the examples.
    """

    recipe: str
    dataset: str
    shape: tuple[int, ...]
    support: str
    parts: dict[str, str]
    parameters: int
    latent_dim: int
    choices: tuple[str, ...]
    notes: tuple[str, ...]
    examples: dict[str, int]
    epochs: int
    steps: int
    batch_size: int
    seconds: float
    memory_bytes: int

    def to_dict(self) -> JsonObject:
        """The plan as plain values."""
        return asdict(self)


@library_call
def plan_training(
    model: str | VAE | None = None,
    *,
    data: Any = None,
    out: str | os.PathLike | None = None,
    overwrite: bool = False,
    objective: Any = None,
    **overrides: Any,
) -> TrainingPlan:
    """Plan a training: model, memory, time, split, likelihood and the reasons of choices.

    A few steps are timed; nothing is written, and the model of the caller is not changed.

    Args:
        model: As for `train`.
        data: As for `train`.
        out: As for `train`; whether a run could be written there is checked.
        overwrite: As for `train`.
        objective: As for `train`.
        **overrides: As for `train`.

    Raises:
        RequestError: A request that cannot be fulfilled.

    >>> plan_training("mlp", data="images.npz", training={"epochs": 2}).epochs
    2
    """
    runs.check_claimable(out if out is None else as_path("out", out), overwrite)
    setup, _ = prepare_training(model, data, objective, overrides)
    config = setup.config
    counts = setup.model.count_parameters().values()
    stage = setup.stages[0]
    batch_bytes = bytes_per_step(setup.model, stage, setup.training_inputs(), stage.batch_size)
    weight_bytes = sum(p.numel() * p.element_size() for p in setup.model.parameters())
    return TrainingPlan(
        recipe=config.recipe,
        dataset=setup.dataset.name,
        shape=setup.model.data_shape,
        support=str(setup.dataset.support),
        parts={name: config.part(name).kind for name in MODEL_PARTS},
        parameters=sum(count.total for count in counts),
        latent_dim=config.latent_dim or math.prod(setup.model.latent_shape),
        choices=setup.choices,
        notes=data_notes(setup),
        examples=setup.split.counts(),
        epochs=sum(stage.epochs for stage in setup.stages),
        steps=sum(_steps(setup, stage) for stage in setup.stages),
        batch_size=stage.batch_size,
        seconds=sum(_seconds(setup, stage) for stage in setup.stages),
        memory_bytes=COPIES_OF_WEIGHTS * weight_bytes + batch_bytes + setup.dataset.train.x.nbytes,
    )


def _steps(setup: TrainingSetup, stage: Stage) -> int:
    return stage.epochs * count_batches(setup.epoch_examples, stage.batch_size)


def _seconds(setup: TrainingSetup, stage: Stage) -> float:
    inputs = setup.training_inputs()
    pace = seconds_per_step(setup.model, stage, inputs, stage.batch_size)
    return pace * _steps(setup, stage)
