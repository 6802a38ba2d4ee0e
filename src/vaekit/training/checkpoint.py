"""The state of a training as tensors and plain values, in the safetensors format.

The tensors are the weights, the state of the optimizer by parameter, and the sums of the current
epoch; everything else is JSON in the metadata. Both are compared with the trainer before they are
used, so that a checkpoint that was damaged, or made up, changes nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from vaekit import runs
from vaekit.errors import RunError
from vaekit.runs.weights import byte_count, check_layout, load_tensors, save_tensors
from vaekit.training.stage_trainer import StageTrainer, TrainerState

SUMS = "sums"
MODEL = "model."
OPTIMIZER = "optimizer."
MAX_OPTIMIZER_TENSORS = 4
"""Tensors of an optimizer for each parameter, for the size of a file."""

Count = Annotated[int, Field(ge=0, le=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Row = dict[str, int | Number]


class Position(BaseModel):
    """Where a training is, and what it has measured.

    Attributes:
        step: Steps of the stage.
        epoch: Finished epochs of the stage.
        epochs_without_improvement: Epochs since the best one.
        batch_epoch: The epoch that the batches are in.
        batch_position: Batches of this epoch that have been used.
        history: Rows of metrics.csv.
        best: The row of the best epoch; empty before the first.
        elapsed: Seconds of training.
        threads: Threads of the CPU that were used.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    step: Count
    epoch: Count
    epochs_without_improvement: Count
    batch_epoch: Annotated[int, Field(ge=-1, le=2**53)]
    batch_position: Count
    history: list[Row]
    best: Row
    elapsed: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    threads: Count


def checkpoint_name(stage: str) -> str:
    """The path of a stage's checkpoint in the run folder."""
    return f"{runs.CHECKPOINTS}/{stage}.safetensors"


def save_checkpoint(claim: runs.Claim, trainer: StageTrainer, own: Mapping[str, object]) -> None:
    """Write the checkpoint of a stage.

    Args:
        claim: The run folder.
        trainer: The trainer of the stage.
        own: history, best and elapsed, as in `Position`.
    """
    state = trainer.state_dict()
    tensors = {f"{MODEL}{name}": tensor for name, tensor in state["weights"].items()}
    tensors |= {f"{OPTIMIZER}{name}": tensor for name, tensor in state["optimizer"].items()}
    tensors[SUMS] = state["sums"]
    threads = torch.get_num_threads()
    position = Position.model_validate({**state["position"], **own, "threads": threads})
    runs.subfolder(claim.folder, runs.CHECKPOINTS)
    path = claim.folder / checkpoint_name(trainer.stage.name)
    save_tensors(path, tensors, claim.run_id, position=position.model_dump())


def load_checkpoint(claim: runs.Claim, trainer: StageTrainer) -> Position:
    """Continue a stage from its checkpoint.

    Args:
        claim: The run folder.
        trainer: The trainer of the stage; it is not changed if there is an error.

    Raises:
        RunError: The checkpoint is missing, damaged, or that of another run.
    """
    name = checkpoint_name(trainer.stage.name)
    path = claim.folder / name
    expected = trainer.state_dict()
    file = load_tensors(claim.folder, name, _max_bytes(expected))
    runs.check_run_id(file.facts.get(runs.RUN_ID), claim.run_id, path)
    try:
        position = _position(file.facts.get("position"), trainer)
        _check_finite(file.tensors)
        trainer.load_state_dict(_trainer_state(file.tensors, expected, position, path))
    except RunError:
        raise
    except ValueError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise RunError(
            f"{path} is damaged, or does not match this run: {reason}. "
            "Delete it to restart its stage."
        ) from None
    return position


def _max_bytes(state: TrainerState) -> int:
    """The most bytes of a checkpoint of this trainer."""
    weights = byte_count(state["weights"].values())
    return (1 + MAX_OPTIMIZER_TENSORS) * weights + byte_count([state["sums"]])


def _trainer_state(
    tensors: Mapping[str, Tensor], expected: TrainerState, position: Position, path: Path
) -> TrainerState:
    """The tensors of a checkpoint by their owners; RunError unless they have the layouts expected.

    The trainer checks the tensors of the optimizer, which it has none of before its first step.
    """
    optimizer = {name: tensor for name, tensor in tensors.items() if name.startswith(OPTIMIZER)}
    others = {name: tensor for name, tensor in tensors.items() if name not in optimizer}
    weights = {f"{MODEL}{name}": tensor for name, tensor in expected["weights"].items()}
    check_layout(others, weights | {SUMS: expected["sums"]}, path)
    return TrainerState(
        weights={name: others[f"{MODEL}{name}"] for name in expected["weights"]},
        optimizer={name.removeprefix(OPTIMIZER): tensor for name, tensor in optimizer.items()},
        sums=others[SUMS],
        position=position.model_dump(),
    )


def _check_finite(tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.float().isfinite().all():
            raise ValueError(f"{name} contains NaN or infinity")


def _position(value: object, trainer: StageTrainer) -> Position:
    """The validated position; ValueError unless the stage can continue there."""
    try:
        position = Position.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))[:100]
        raise ValueError(f"{key or 'position'}: {first['msg']}") from None
    batches = len(trainer.batches)
    if position.epoch > trainer.stage.epochs or position.batch_position > batches:
        raise ValueError("its position lies after the end of the stage")
    if position.step > trainer.total_steps:
        raise ValueError("it has more steps than the stage")
    epochs = [row.get("epoch") for row in position.history]
    if epochs != list(range(1, len(epochs) + 1)):
        raise ValueError("the epochs of its history are not 1, 2, ...")
    if not _is_consistent(position.history, position.best, trainer.stage.criterion):
        raise ValueError("its best epoch is none of its history")
    return position


def _is_consistent(history: list[Row], best: Row, criterion: str) -> bool:
    """Whether all rows have the columns that training reads, and the best row is one of them."""
    has_columns = all({"epoch", "step", "seconds", criterion} <= row.keys() for row in history)
    return has_columns and (best in history if history else not best)
