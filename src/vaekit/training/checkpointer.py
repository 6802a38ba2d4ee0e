"""Files that training writes: the best weights, metrics.csv, and a checkpoint to resume from."""

import time

import torch

from vaekit import runs
from vaekit.errors import Interrupted
from vaekit.training.checkpoint import checkpoint_name, load_checkpoint, save_checkpoint
from vaekit.training.graceful_interrupt import GracefulInterrupt
from vaekit.training.stage_trainer import StageTrainer

AGREEMENT_STEPS = 20
"""Steps between two agreements of several processes on whether to save."""


class Checkpointer:
    """Saves the best weights, metrics.csv and checkpoints.

    A checkpoint is saved after each epoch, every `seconds`, and at a signal. Of several processes
    only rank 0 writes.

    Args:
        claim: The run folder.
        interrupt: Signals that stop the training.
        seconds: Seconds between two checkpoints.

    Attributes:
        history: Rows of metrics.csv, one per epoch.
        best: The row of the best epoch.
        elapsed: Seconds of training.
        threads: Threads of the CPU before the training was resumed; None if it was not.
    """

    def __init__(self, claim: runs.Claim, interrupt: GracefulInterrupt, seconds: float):
        self.claim = claim
        self.interrupt = interrupt
        self.seconds = seconds
        self.history: list[dict[str, float]] = []
        self.best: dict[str, float] = {}
        self.elapsed = 0.0
        self.threads: int | None = None
        self._stop_reason: str | None = None  # set when all processes have agreed to stop

    def begin_stage(self, trainer: StageTrainer, *, resume: bool) -> None:
        """Begin a stage, from its checkpoint if `resume`; the history of earlier stages is kept."""
        if resume:
            self._load(trainer)
        self._started = time.monotonic()
        self._saved = self._started
        if not runs.has_file(self.claim.folder, checkpoint_name(trainer.stage.name)):
            # From now on the stage is resumed, never begun again from weights that it has changed.
            self._save(trainer)

    def after_step(self, trainer: StageTrainer) -> None:
        """Save a checkpoint within an epoch if it is due."""
        if self._is_due(trainer):
            self._save(trainer)

    def after_validation(self, trainer: StageTrainer, *, is_complete: bool) -> None:
        """Stop, before the epoch ends, if a signal interrupted the validation of any process."""
        interrupted = torch.tensor([not is_complete], dtype=torch.float32)
        if trainer.processes.sum(interrupted.to(trainer.processes.device)).any():
            self._is_due(trainer, agree_now=True)
            self._save(trainer)

    def after_epoch(self, trainer: StageTrainer, metrics: dict[str, float]) -> dict[str, float]:
        """Save metrics.csv with a new row, and the weights if they are the best.

        Args:
            trainer: The trainer.
            metrics: Training and validation metrics of the epoch.

        Returns:
            The new row.
        """
        trainer.check_finite()
        now = time.monotonic()
        self.elapsed += now - self._started
        self._started = now

        row = self._row(trainer, metrics)
        criterion = trainer.stage.criterion
        is_best = not self.best or row[criterion] < self.best[criterion]
        self.history.append(row)
        if is_best:
            self.best = row
            trainer.epochs_without_improvement = 0
        else:
            trainer.epochs_without_improvement += 1

        if trainer.processes.process.rank == 0:
            self.claim.check()
            if is_best:
                runs.save_weights(self.claim.folder, trainer.model, self.claim.run_id)
            runs.save_metrics(self.claim.folder, self.history, self.claim.run_id)
        return row

    def end_epoch(self, trainer: StageTrainer) -> None:
        """Save the checkpoint between two epochs."""
        self._is_due(trainer, agree_now=True)
        self._save(trainer)

    def _row(self, trainer: StageTrainer, metrics: dict[str, float]) -> dict[str, float]:
        seconds = self.elapsed - sum(row["seconds"] for row in self.history)
        earlier_steps = self.history[-1]["step"] if self.history else 0
        return {
            "epoch": len(self.history) + 1,
            "step": earlier_steps + len(trainer.batches),
            **metrics,
            "seconds": seconds,
            "samples_per_second": trainer.batches.examples_per_epoch / seconds,
        }

    def _is_due(self, trainer: StageTrainer, agree_now: bool = False) -> bool:
        """Whether to save, by the clock or a signal; several processes agree now and then."""
        is_late = time.monotonic() - self._saved > self.seconds
        if trainer.processes.process.world_size == 1:
            self._stop_reason = self.interrupt.received
            return is_late or self._stop_reason is not None
        if not agree_now and trainer.step % AGREEMENT_STEPS:
            return False

        is_interrupted = self.interrupt.received is not None
        own = torch.tensor([is_interrupted, is_late], dtype=torch.float32)
        stop, is_late = trainer.processes.sum(own.to(trainer.processes.device)).bool().tolist()
        self._stop_reason = None
        if stop:
            self._stop_reason = self.interrupt.received or "a signal to another process"
        return is_late or stop

    def _save(self, trainer: StageTrainer) -> None:
        trainer.check_finite()
        own = {
            "history": self.history,
            "best": self.best,
            "elapsed": self.elapsed + time.monotonic() - self._started,
        }
        if trainer.processes.process.rank == 0:
            self.claim.check()
            save_checkpoint(self.claim, trainer, own)
        self._saved = time.monotonic()

        if self._stop_reason:
            # Otherwise rank 0 may be killed with the others gone, before it has written.
            trainer.processes.barrier()
            raise Interrupted(
                f"Training was stopped by {self._stop_reason}. "
                f"Resume it with `vaekit train --resume {self.claim.folder}`."
            )

    def _load(self, trainer: StageTrainer) -> None:
        position = load_checkpoint(self.claim, trainer)
        self.history = position.history
        self.best = position.best
        self.elapsed = position.elapsed
        self.threads = position.threads
