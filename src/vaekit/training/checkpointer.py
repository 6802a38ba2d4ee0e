"""What a run leaves on disk while it trains: the best weights, the table of epochs, a checkpoint to go on from."""

import io
import time
from pathlib import Path

import torch

from vaekit import runs
from vaekit.atomic_io import atomic_write_bytes
from vaekit.errors import Interrupted, RunError
from vaekit.training.graceful_interrupt import GracefulInterrupt
from vaekit.training.stage_trainer import StageTrainer

AGREE_EVERY = 20  # updates


def checkpoint(folder: Path, stage: str) -> Path:
    """Where the checkpoint of a stage is."""
    return (folder / runs.CHECKPOINT).with_stem(stage)


class Checkpointer:
    """Keeps the best weights by a validation figure, metrics.csv, and a checkpoint: each epoch, each `seconds`, at a signal.

    Of several processes the first alone writes.
    """

    def __init__(self, folder: Path, signals: GracefulInterrupt, seconds: float):
        self.folder, self.signals, self.seconds = folder, signals, seconds
        self.rows: list[dict[str, float]] = []
        self.best: dict[str, float] = {}
        self.elapsed = 0.0
        self._stop: str | None = None  # why, once all processes have agreed to

    def begin(self, training: StageTrainer, *, resume: bool) -> None:
        """Turn to a stage, from its checkpoint if it has one; the rows of the one before stay."""
        self.path = checkpoint(self.folder, training.stage.name)
        if resume:
            self._load(training)
        self._started = self._saved = time.monotonic()
        if (
            not self.path.exists()
        ):  # a stage that was begun is never begun again from weights that it has changed
            self._save(training)

    def after_update(self, training: StageTrainer) -> None:
        """A checkpoint within an epoch where one is due."""
        if training.batches.position < len(training.batches) and self._asks(training):
            self._save(training)

    def after_epoch(self, training: StageTrainer, figures: dict[str, float]) -> dict[str, float]:
        """The table's new row, and the best weights."""
        training.check()
        self.elapsed += time.monotonic() - self._started
        seconds = self.elapsed - sum(row["seconds"] for row in self.rows)
        updates = len(training.batches) + (self.rows[-1]["step"] if self.rows else 0)
        speed = {
            "seconds": seconds,
            "samples_per_second": training.batches.examples_per_epoch / seconds,
        }
        row = {"epoch": len(self.rows) + 1, "step": updates} | figures | speed
        criterion = training.stage.criterion
        better = not self.best or row[criterion] < self.best[criterion]
        self.rows.append(row)
        self.best = row if better else self.best
        training.epochs_without_improvement = (
            0 if better else training.epochs_without_improvement + 1
        )
        if training.processes.process.rank == 0:
            if better:
                runs.save_weights(self.folder, training.model)
            runs.save_metrics(self.folder, self.rows)
        self._started = time.monotonic()
        return row

    def end_epoch(self, training: StageTrainer) -> None:
        """The checkpoint between two epochs."""
        self._asks(training, now=True)
        self._save(training)

    def _asks(self, training: StageTrainer, now: bool = False) -> bool:
        """Whether a checkpoint is asked for, by the clock or by a signal; several processes agree on it now and then."""
        late = time.monotonic() - self._saved > self.seconds
        if training.processes.process.world_size == 1:
            self._stop = self.signals.received
        elif training.step % AGREE_EVERY == 0 or now:
            asked = torch.tensor(
                [float(self.signals.received is not None), float(late)],
                device=training.processes.device,
            )
            stop, late = training.processes.sum(asked).bool().tolist()
            self._stop = (self.signals.received or "a signal to another process") if stop else None
        else:
            return False
        return late or self._stop is not None

    def _save(self, training: StageTrainer) -> None:
        training.check()
        own = {
            "rows": self.rows,
            "best": self.best,
            "elapsed": self.elapsed + time.monotonic() - self._started,
        }
        if training.processes.process.rank == 0:
            content = (
                io.BytesIO()
            )  # written to a full disk by torch itself, it would fail without saying why
            torch.save(training.state_dict() | {"recorder": own}, content)
            atomic_write_bytes(self.path, content.getbuffer())
        self._saved = time.monotonic()
        if self._stop:
            training.processes.barrier()  # else the first might be killed, with the others gone, before it has written
            raise Interrupted(
                f"stopped by {self._stop}; go on with `vaekit train --resume {self.folder}`"
            )

    def _load(self, training: StageTrainer) -> None:
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # what torch says, it says to programmers, and advises to trust the file
            raise RunError(
                f"{self.path} is damaged, or no checkpoint: remove it to begin its stage again"
            ) from None
        try:
            training.load_state_dict(state)
            own = state["recorder"]
            self.rows, self.best, self.elapsed = own["rows"], own["best"], own["elapsed"]
        except Exception:
            raise RunError(
                f"{self.path} is not that of this run: remove it to begin its stage again"
            ) from None
