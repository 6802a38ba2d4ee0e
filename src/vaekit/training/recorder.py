"""What a run leaves on disk while it trains: the best weights, the table of epochs, a checkpoint to go on from."""

import io
import os
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping
from lightning.pytorch.plugins.io import TorchCheckpointIO

from vaekit import store
from vaekit.errors import Interrupted, RunError
from vaekit.files import write_whole
from vaekit.training.signals import Signals


class WholeFileIO(TorchCheckpointIO):
    """Checkpoints written whole or not at all, and read without executing anything."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike, storage_options: Any = None) -> None:
        content = io.BytesIO()  # written to a full disk by torch itself, it would fail without saying why
        torch.save(checkpoint, content)
        write_whole(path, content.getbuffer())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        try:
            return torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except Exception:  # what torch says, it says to programmers, and advises to trust the file
            raise RunError(f"{path} is damaged, or no checkpoint: remove it to begin its stage again") from None


def checkpoint(folder: Path, stage: str) -> Path:
    """Where the checkpoint of a stage is."""
    return (folder / store.CHECKPOINT).with_stem(stage)


class Recorder(Checkpoint):
    """Keeps the best weights by a validation figure, metrics.csv, and a checkpoint: each epoch, each `seconds`, at a signal.

    It is a Checkpoint so that Lightning calls it last: what it saves includes what the other callbacks have just decided.
    """

    def __init__(self, folder: Path, signals: Signals, seconds: float):
        self.folder, self.signals, self.seconds = folder, signals, seconds
        self.rows: list[dict[str, float]] = []
        self.best: dict[str, float] = {}
        self.elapsed = 0.0
        self._epoch_started = self._saved = time.monotonic()

    def begin(self, stage: str, criterion: str) -> None:
        """Turn to a stage, whose best epoch is the one with the lowest `criterion`; the rows of the one before stay."""
        self.path, self.criterion = checkpoint(self.folder, stage), criterion

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "best": self.best, "elapsed": self.elapsed + time.monotonic() - self._epoch_started}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows, self.best, self.elapsed = state_dict["rows"], state_dict["best"], state_dict["elapsed"]

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self._epoch_started = self._saved = time.monotonic()
        stopping = trainer.early_stopping_callback
        if (
            isinstance(stopping, EarlyStopping) and stopping.wait_count >= stopping.patience
        ):  # Lightning does not restore that it was over
            trainer.should_stop = True
        if not self.path.exists():  # a stage that was begun is never begun again from weights that it has changed
            self._save(trainer)

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        last = pl_module.batches.position == len(pl_module.batches)
        if not last and (self.signals.received or time.monotonic() - self._saved > self.seconds):
            self._save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        self.elapsed += time.monotonic() - self._epoch_started
        before = sum(row["seconds"] for row in self.rows)
        seconds = self.elapsed - before
        rows = len(pl_module.batches.inputs)
        updates = len(pl_module.batches) + (self.rows[-1]["updates"] if self.rows else 0)
        row = (
            {"epoch": len(self.rows) + 1, "updates": updates}
            | pl_module.row
            | {"seconds": seconds, "samples_per_second": rows / seconds}
        )
        self.rows.append(row)
        if not self.best or row[self.criterion] < self.best[self.criterion]:
            self.best = row
            store.save_weights(self.folder, pl_module.model)
        store.save_metrics(self.folder, self.rows)
        self._epoch_started = time.monotonic()
        self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self.path)
        self._saved = time.monotonic()
        if self.signals.received:
            raise Interrupted(f"stopped by {self.signals.received}; go on with `vaekit train --resume {self.folder}`")
