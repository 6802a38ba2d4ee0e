"""From a model, rows and a configuration to a trained run folder."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import Logger
from rich.console import Console

from vaekit import store
from vaekit.config import Settings
from vaekit.inputs import Inputs
from vaekit.model import VAE
from vaekit.objectives import Objective
from vaekit.training.batches import Batches
from vaekit.training.machine import find_device
from vaekit.training.module import Training
from vaekit.training.progress import ProgressBar
from vaekit.training.recorder import Recorder, WholeFileIO
from vaekit.training.signals import Signals
from vaekit.training.validation import Validation


def fit(
    model: VAE,
    inputs: Inputs,
    config: Settings,
    folder: Path,
    *,
    objective: Objective,
    optimizer: Callable[..., torch.optim.Optimizer],
    schedule: Callable[[float], float],
    validate: Callable[[VAE], dict[str, float]],
    console: Console,
    resume: bool = False,
) -> dict[str, Any]:
    """Train `model` on raw rows into `folder`, whose best weights it has at the end; what is to be summed up.

    resume: go on from the folder's checkpoint, to the same weights and rows as if nothing had happened.
    Raises NonFiniteError and Interrupted; RunError for a damaged checkpoint.
    """
    options = config.training
    batches = Batches(inputs, options.batch_size, config.seed)
    updates = len(batches) * (options.epochs or 1)
    module = Training(model, objective, optimizer, schedule, batches, updates, config.seed)
    with Signals() as signals:
        recorder = Recorder(folder, signals, options.checkpoint_seconds)
        trainer = _trainer(config, folder, [Validation(validate), ProgressBar(console), recorder])
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            found = resume and recorder.path.is_file()  # killed before the first one: from the start, to the same end
            trainer.fit(module, batches, ckpt_path=recorder.path if found else None, weights_only=True)
    store.load_weights(folder, model)
    return {"epochs": len(recorder.rows), "best_epoch": recorder.best["epoch"], "seconds": recorder.elapsed}


def _trainer(config: Settings, folder: Path, callbacks: list[Callback]) -> Trainer:
    for name in (
        "lightning.pytorch",
        "lightning.pytorch.utilities.rank_zero",
        "lightning.fabric",
    ):  # adverts and advice
        logging.getLogger(name).setLevel(logging.ERROR)
    options, device = config.training, find_device(config.training.device)
    if options.patience is not None:
        callbacks = [*callbacks, EarlyStopping("val_loss", patience=options.patience, check_on_train_epoch_end=True)]
    return Trainer(
        accelerator="gpu" if device.type == "cuda" else device.type,
        devices=[device.index] if device.type == "cuda" else 1,
        precision=options.precision,  # type: ignore[arg-type] - resolved
        max_epochs=options.epochs,
        gradient_clip_val=options.clip,
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
