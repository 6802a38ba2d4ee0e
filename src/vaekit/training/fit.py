"""The training loop: stages, epochs, steps, from a model and its inputs to a run folder."""

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from vaekit import runs
from vaekit.config import Settings
from vaekit.core.vae import VAE
from vaekit.errors import NonFiniteError
from vaekit.inputs import ModelInputs, to_model
from vaekit.inputs.streaming import StreamedInputs
from vaekit.runtime.device import PRECISIONS, keep_freed_memory
from vaekit.runtime.seeding import mix_seeds
from vaekit.runtime.terminal_progress import print_line
from vaekit.training.batches import Batches
from vaekit.training.checkpoint import checkpoint_name
from vaekit.training.checkpointer import Checkpointer
from vaekit.training.data_start import init_from_data, max_start_examples
from vaekit.training.freezing import freeze_except
from vaekit.training.graceful_interrupt import GracefulInterrupt
from vaekit.training.processes import Processes
from vaekit.training.progress import TrainingProgress
from vaekit.training.stage_timing import seconds_per_step
from vaekit.training.stage_trainer import ADVICE, StageTrainer, means
from vaekit.training.stages import Stage
from vaekit.training.streamed_batches import StreamedBatches

Validate = Callable[..., Tensor]
"""(model, process=) -> sums of loss, reconstruction, divergence, and of the negative bound if it
selects weights, over the validation examples of the process; then their number."""


@dataclass(frozen=True)
class FitResult:
    """The result of a training.

    Attributes:
        epochs: The number of epochs.
        best_epoch: The epoch whose weights were kept.
        seconds: Seconds of training.
    """

    epochs: int
    best_epoch: int
    seconds: float


def fit(
    processes: Processes,
    model: VAE,
    inputs: ModelInputs,
    config: Settings,
    claim: runs.Claim,
    *,
    stages: Sequence[Stage],
    validate: Validate,
    console: Console,
    resume: bool = False,
) -> FitResult:
    """Train a model into a run folder; at the end it has the best weights.

    Args:
        processes: The processes of the run.
        model: The model, trained in place.
        inputs: The training examples.
        config: The configuration.
        claim: The run folder.
        stages: The stages, each from the best weights of the one before.
        validate: Validation of the model.
        console: Where progress is printed.
        resume: Continue from the folder's checkpoint, to the same weights and metrics as without
            the interruption.

    Raises:
        NonFiniteError: A loss or a weight is not finite.
        Interrupted: A signal stopped the training, after a checkpoint.
        RunError: The checkpoint is corrupt.
    """
    keep_freed_memory()
    model.to(processes.device, PRECISIONS[config.training.precision])
    inputs = inputs.to_device_if_fits(processes.device)
    # The caller's generator continues as before.
    with GracefulInterrupt() as interrupt, torch.random.fork_rng(devices=[]):
        checkpointer = Checkpointer(claim, interrupt, config.training.checkpoint_seconds)
        loop = _Loop(
            processes=processes,
            model=model,
            inputs=inputs,
            config=config,
            checkpointer=checkpointer,
            progress=TrainingProgress(console, len(stages)),
            validate=validate,
        )
        try:
            _fit_stages(loop, stages, resume)
        except BaseException:
            processes.finish("failed")
            raise
        processes.finish("success")
    best_epoch = int(checkpointer.best["epoch"])
    return FitResult(len(checkpointer.history), best_epoch, checkpointer.elapsed)


@dataclass(frozen=True)
class _Loop:
    """What all stages share."""

    processes: Processes
    model: VAE
    inputs: ModelInputs
    config: Settings
    checkpointer: Checkpointer
    progress: TrainingProgress
    validate: Validate

    @property
    def mixed_precision(self) -> bool:
        """Whether the nets compute in bfloat16."""
        return self.config.training.precision == "bf16-mixed"


def _fit_stages(loop: _Loop, stages: Sequence[Stage], resume: bool) -> None:
    """Train one stage after the other; `resume` begins with the last one that has a checkpoint."""
    claim = loop.checkpointer.claim
    begun = [
        number
        for number, stage in enumerate(stages)
        if runs.has_file(claim.folder, checkpoint_name(stage.name))
    ]
    first = max(begun) if resume and begun else None
    if first is None:
        init_from_data(loop.model, _spread_examples(loop.inputs, loop.model))

    _announce_stages(loop, stages)
    for number in range(first or 0, len(stages)):
        stage = stages[number]
        with freeze_except(loop.model, stage):
            trainer = _stage_trainer(loop, stage, number)
            loop.checkpointer.begin_stage(trainer, resume=number == first)
            _note_threads(loop)
            with loop.progress.stage_bar(trainer):
                _fit_epochs(loop, trainer)
        loop.processes.barrier()
        runs.load_weights(claim.folder, loop.model, claim.run_id)


def _announce_stages(loop: _Loop, stages: Sequence[Stage]) -> None:
    """Print the stages of a training that has several, with their estimated durations."""
    if len(stages) == 1 or loop.progress.console.quiet:
        return
    for number, stage in enumerate(stages):
        seconds = seconds_per_step(
            loop.model,
            stage,
            loop.inputs,
            stage.batch_size // loop.processes.process.world_size,
            mixed_precision=loop.mixed_precision,
        )
        steps = stage.epochs * len(_batches(loop, stage, number))
        loop.progress.announce_stage(stage, number + 1, seconds * steps)


def _note_threads(loop: _Loop) -> None:
    """Say so if a resumed training continues with another number of threads."""
    before, now = loop.checkpointer.threads, torch.get_num_threads()
    if before not in (None, now):
        print_line(
            loop.progress.console,
            f"note: trained with {before} threads of the CPU so far, and with {now} from here on: "
            "the result differs in the last bits. Set training.threads to fix their number.",
        )


def _stage_trainer(loop: _Loop, stage: Stage, number: int) -> StageTrainer:
    batches = _batches(loop, stage, number)
    return StageTrainer(
        loop.processes, loop.model, stage, batches, mixed_precision=loop.mixed_precision
    )


def _batches(loop: _Loop, stage: Stage, number: int) -> Batches:
    kind = StreamedBatches if isinstance(loop.inputs, StreamedInputs) else Batches
    seed = mix_seeds(loop.config.seed, number) if number else loop.config.seed
    return kind(loop.inputs, stage.batch_size, seed, loop.processes.process)


def _fit_epochs(loop: _Loop, trainer: StageTrainer) -> None:
    """Train epoch after epoch, from the current position of the stage."""
    while not trainer.finished:
        if not trainer.awaits_validation:
            _train_epoch(loop, trainer)
        metrics = _epoch_metrics(loop, trainer)
        trainer.epoch += 1
        row = loop.checkpointer.after_epoch(trainer, metrics)
        trainer.sums.zero_()
        loop.processes.log(row, trainer.step)
        loop.progress.after_epoch(trainer, row, loop.checkpointer.best)
        loop.checkpointer.end_epoch(trainer)


def _train_epoch(loop: _Loop, trainer: StageTrainer) -> None:
    """Make the remaining steps of an epoch."""
    with trainer.train_mode(), closing(iter(trainer.batches)) as batches:
        for batch in batches:
            trainer.update(batch)
            loop.progress.after_step(trainer)
            loop.checkpointer.after_step(trainer)


def _epoch_metrics(loop: _Loop, trainer: StageTrainer) -> dict[str, float]:
    """Means of training and validation over the examples of all processes."""
    validate = partial(loop.validate, trainer.model, process=loop.processes.process)
    own_validation = loop.checkpointer.interrupt.until_signal(validate)
    loop.checkpointer.after_validation(trainer, is_complete=own_validation is not None)
    assert own_validation is not None
    own = torch.cat([trainer.sums, own_validation.to(trainer.sums)])
    total = loop.processes.sum(own)
    training = means(total[: len(trainer.sums)])
    validation = means(total[len(trainer.sums) :])
    for name, value in validation.items():
        if not math.isfinite(value):
            raise NonFiniteError(
                f"the validation {name} is {value} after epoch {trainer.epoch + 1}, "
                f"step {trainer.step}. {ADVICE}"
            )
    metrics = {f"train_{name}": value for name, value in training.items()}
    return metrics | {f"val_{name}": value for name, value in validation.items()}


def _spread_examples(inputs: ModelInputs, model: VAE) -> Tensor:
    """Evenly spaced examples, as the model takes them."""
    count = min(len(inputs), max_start_examples(model))
    indices = np.linspace(0, len(inputs) - 1, count).astype(int)
    return to_model(inputs.select(indices).x, model, inputs.transform)
