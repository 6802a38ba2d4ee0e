"""From a model, rows and a configuration to a trained run folder."""

import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import Logger
from rich.console import Console
from torch import Tensor

from vaekit import store
from vaekit.config import Settings
from vaekit.errors import RunError
from vaekit.inputs import Inputs, rows_at_once, to_model, values_per_row
from vaekit.model import VAE
from vaekit.noise import mix
from vaekit.training.batches import Batches
from vaekit.training.machine import find_device, keep_freed_memory
from vaekit.training.module import Training
from vaekit.training.progress import ProgressBar
from vaekit.training.recorder import Recorder, WholeFileIO, checkpoint
from vaekit.training.signals import Signals
from vaekit.training.stages import Stage, learning
from vaekit.training.validation import Validation


def fit(
    model: VAE,
    inputs: Inputs,
    config: Settings,
    folder: Path,
    *,
    stages: Sequence[Stage],
    validate: Callable[[VAE], dict[str, float]],
    console: Console,
    resume: bool = False,
) -> dict[str, Any]:
    """Train `model` on raw rows into `folder`, whose best weights it has at the end; what is to be summed up.

    stages: one after the other, each from the best weights of the one before.
    resume: go on from the folder's checkpoint, to the same weights and rows as if nothing had happened.
    Raises NonFiniteError and Interrupted; RunError for a damaged checkpoint.
    """
    begun = [i for i, stage in enumerate(stages) if resume and checkpoint(folder, stage.name).is_file()]
    with Signals() as signals, torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        if not begun and hasattr(model.likelihood, "start"):
            model.likelihood.start(_spread(inputs, model))
        keep_freed_memory()
        recorder = Recorder(folder, signals, config.training.checkpoint_seconds)
        for i, stage in enumerate(stages[max(begun, default=0) :], max(begun, default=0)):
            recorder.begin(stage.name, stage.criterion)
            batches = Batches(inputs, stage.batch_size, mix(config.seed, i) if i else config.seed)
            with learning(model, stage):
                module = Training(model, stage, batches, batches.seed).train()  # Lightning leaves the modes as they are
                trainer = _trainer(config, stage, folder, [Validation(validate), ProgressBar(console), recorder])
                _run(trainer, module, recorder.path if i in begun else None)
            store.load_weights(folder, model)
    return {"epochs": len(recorder.rows), "best_epoch": recorder.best["epoch"], "seconds": recorder.elapsed}


def _spread(inputs: Inputs, model: VAE) -> Tensor:
    """Some rows, evenly out of all, as the model takes them."""
    count = min(len(inputs), rows_at_once(values_per_row(model)))
    return to_model(inputs.take(np.linspace(0, len(inputs) - 1, count).astype(int)).x, model, inputs.transform)


def _run(trainer: Trainer, module: Training, path: Path | None) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        try:
            trainer.fit(module, module.batches, ckpt_path=path, weights_only=True)
        except (RuntimeError, KeyError) as error:
            if path is not None and "state_dict" in str(error):
                raise RunError(f"{path} is not that of this run: remove it to begin its stage again") from None
            raise


def _trainer(config: Settings, stage: Stage, folder: Path, callbacks: list[Callback]) -> Trainer:
    for name in (
        "lightning.pytorch",
        "lightning.pytorch.utilities.rank_zero",
        "lightning.fabric",
    ):  # adverts and advice
        logging.getLogger(name).setLevel(logging.ERROR)
    options, device = config.training, find_device(config.training.device)
    if stage.patience is not None:
        callbacks = [*callbacks, EarlyStopping(stage.criterion, patience=stage.patience, check_on_train_epoch_end=True)]
    return Trainer(
        accelerator="gpu" if device.type == "cuda" else device.type,
        devices=[device.index] if device.type == "cuda" else 1,
        precision=options.precision,  # type: ignore[arg-type] - resolved
        max_epochs=stage.epochs,
        gradient_clip_val=stage.clip,
        callbacks=callbacks,
        plugins=[WholeFileIO()],
        logger=[_logger(name, folder) for name in options.loggers],
        default_root_dir=folder,
        enable_checkpointing=True,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )


def _logger(name: str, folder: Path) -> Logger:
    from lightning.pytorch import loggers

    if name == "tensorboard":
        return loggers.TensorBoardLogger(folder, name="tensorboard", version="")
    if name == "mlflow":
        return loggers.MLFlowLogger("vaekit", run_name=folder.name)
    return loggers.WandbLogger(folder.name, save_dir=folder, project="vaekit")
