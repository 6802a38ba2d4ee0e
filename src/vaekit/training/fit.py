"""From a model, rows and a configuration to a trained run folder."""

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from vaekit import runs
from vaekit.config import Settings
from vaekit.core.vae import VAE
from vaekit.errors import NonFiniteError
from vaekit.inputs import ModelInputs, max_batch_examples, to_model, values_per_example
from vaekit.inputs.streaming import StreamedInputs
from vaekit.runtime.device import PRECISIONS, keep_freed_memory
from vaekit.runtime.seeding import mix_seeds
from vaekit.training.batches import Batches
from vaekit.training.checkpointer import Checkpointer, checkpoint
from vaekit.training.freezing import freeze_except
from vaekit.training.graceful_interrupt import GracefulInterrupt
from vaekit.training.processes import Processes
from vaekit.training.progress import ProgressBar
from vaekit.training.stage_trainer import StageTrainer, means
from vaekit.training.stages import Stage
from vaekit.training.streamed_batches import StreamedBatches


def fit(
    processes: Processes,
    model: VAE,
    inputs: ModelInputs,
    config: Settings,
    folder: Path,
    *,
    stages: Sequence[Stage],
    validate: Callable[..., Tensor],
    console: Console,
    resume: bool = False,
) -> dict[str, Any]:
    """Train `model` on raw rows into `folder`, whose best weights it has at the end; what is to be summed up.

    stages: one after the other, each from the best weights of the one before.
    validate: of the model and one process's `share` of the validation rows, the sums of loss, reconstruction and divergence,
        of the negative bound too where the objective is judged by it, and the number of rows.
    resume: go on from the folder's checkpoint, to the same weights and rows as if nothing had happened.
    Raises NonFiniteError and Interrupted; RunError for a damaged checkpoint.
    """
    begun = [
        i for i, stage in enumerate(stages) if resume and checkpoint(folder, stage.name).is_file()
    ]
    keep_freed_memory()
    precision = config.training.precision
    model.to(processes.device, PRECISIONS[precision])
    inputs = inputs.to_device_if_fits(processes.device)
    with (
        GracefulInterrupt() as signals,
        torch.random.fork_rng(devices=[]),
    ):  # the caller's random state stays as it was
        if not begun and hasattr(model.likelihood, "init_from_data"):
            model.likelihood.init_from_data(_spread(inputs, model))
        recorder, progress = (
            Checkpointer(folder, signals, config.training.checkpoint_seconds),
            ProgressBar(console),
        )
        try:
            for i, stage in enumerate(stages[max(begun, default=0) :], max(begun, default=0)):
                kind = StreamedBatches if isinstance(inputs, StreamedInputs) else Batches
                batches = kind(
                    inputs,
                    stage.batch_size,
                    mix_seeds(config.seed, i) if i else config.seed,
                    processes.process,
                )
                with freeze_except(model, stage):
                    training = StageTrainer(
                        processes, model, stage, batches, mixed=precision == "bf16-mixed"
                    )
                    recorder.begin(training, resume=i in begun)
                    with progress.stage_bar(training):
                        _run(training, recorder, progress, validate)
                processes.barrier()
                runs.load_weights(folder, model)
        except BaseException:
            processes.finish("failed")
            raise
        processes.finish("success")
    return {
        "epochs": len(recorder.rows),
        "best_epoch": recorder.best["epoch"],
        "seconds": recorder.elapsed,
    }


def _run(
    training: StageTrainer,
    recorder: Checkpointer,
    progress: ProgressBar,
    validate: Callable[..., Tensor],
) -> None:
    """Epoch after epoch, from wherever the stage is."""
    while not training.finished:
        with training.running(), closing(iter(training.batches)) as batches:
            for batch in batches:
                training.update(batch)
                progress.after_update(training)
                recorder.after_update(training)
        training.epoch += 1
        row = recorder.after_epoch(training, _figures(training, validate))
        training.sums.zero_()
        training.processes.log(row, training.step)
        progress.after_epoch(training, row)
        recorder.end_epoch(training)


def _figures(training: StageTrainer, validate: Callable[..., Tensor]) -> dict[str, float]:
    """The means of an epoch over the rows of all processes; NonFiniteError for a validation figure that is none."""
    both = torch.cat(
        [
            training.sums,
            validate(training.model, process=training.processes.process).to(training.sums),
        ]
    )
    summed = training.processes.sum(both)
    trained, validated = means(summed[: len(training.sums)]), means(summed[len(training.sums) :])
    for name, value in validated.items():
        if not math.isfinite(value):
            raise NonFiniteError(
                f"validation {name} is {value} after epoch {training.epoch}, step {training.step}: weights of earlier epochs, "
                "if any, are kept; try a lower optimizer.lr, training.grad_clip_norm=1, or data on a smaller scale"
            )
    return {f"train_{k}": v for k, v in trained.items()} | {
        f"val_{k}": v for k, v in validated.items()
    }


def _spread(inputs: ModelInputs, model: VAE) -> Tensor:
    """Some rows, evenly out of all, as the model takes them."""
    count = min(len(inputs), max_batch_examples(values_per_example(model)))
    return to_model(
        inputs.select(np.linspace(0, len(inputs) - 1, count).astype(int)).x, model, inputs.transform
    )
