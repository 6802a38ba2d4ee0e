"""Progress of training: a bar with the time left, and a line per epoch, at most 30 in all."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vaekit.runtime.terminal_progress import format_duration
from vaekit.training.stage_trainer import StageTrainer
from vaekit.training.stages import Stage

MAX_LINES = 30
REFRESH_SECONDS = 0.5
"""Seconds between two readings of the losses, each of which waits for the device."""

ESTIMATE_SECONDS = 2.0
"""Seconds after which the duration is estimated."""

WARM_UP_STEPS = 5
"""Steps that are slower than the others, and not counted in the pace."""


class TrainingProgress:
    """A bar on a terminal, and lines anywhere.

    Args:
        console: Where to print.
        stages: The number of stages, which share the lines.
    """

    def __init__(self, console: Console, stages: int = 1):
        self.console = console
        self.stages = stages
        self.max_lines = MAX_LINES // stages

    def announce_stage(self, stage: Stage, number: int, seconds: float) -> None:
        """Print a stage and its estimated duration, before the training starts."""
        parts = " and ".join(filter(None, [", ".join(stage.trainable[:-1]), stage.trainable[-1]]))
        unit = "epoch" if stage.epochs == 1 else "epochs"
        self.console.print(
            f"stage {number} of {self.stages}: {parts}, {stage.epochs:,} {unit}, "
            f"about {format_duration(seconds)}",
            highlight=False,
        )

    @contextmanager
    def stage_bar(self, trainer: StageTrainer) -> Iterator[None]:
        """Show the bar of a stage within the block."""
        if "encoder" not in trainer.stage.trainable:
            parts = " and ".join(trainer.stage.trainable)
            self.console.print(f"second stage: training the {parts} alone", highlight=False)
        self._clock = _Clock(trainer)
        self._estimated = False
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
            refresh_per_second=2,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task(
            "", total=trainer.total_steps, completed=trainer.step, epoch="", losses=""
        )
        self._refreshed = 0.0
        with self._bar:
            yield

    def after_step(self, trainer: StageTrainer) -> None:
        """Refresh the bar; estimate the duration once."""
        now = time.monotonic()
        self._clock.after_step(trainer)
        if not self._estimated:
            self._estimate(trainer)
        if self._bar.disable or now - self._refreshed < REFRESH_SECONDS:
            return
        self._refreshed = now
        self._bar.update(
            self._task,
            completed=trainer.step,
            epoch=f"{trainer.epoch + 1}/{trainer.stage.epochs}",
            losses=_terms("loss", "", trainer.means()),
        )

    def after_epoch(
        self, trainer: StageTrainer, row: Mapping[str, float], best: Mapping[str, float]
    ) -> None:
        """Print the epoch, if it is one of those with a line.

        Args:
            trainer: The trainer.
            row: The epoch's row of metrics.csv.
            best: The row of the best epoch so far.
        """
        self._estimated = True  # the lines say how much time is left
        if not self._has_line(trainer):
            return
        parts = [
            f"epoch {trainer.epoch}/{trainer.stage.epochs}",
            f"training {row['train_loss']:.2f}",
            f"{_terms('validation', 'val_', row)}{_bound(row)} nats",
            _best_mark(row, best),
        ]
        if not trainer.finished:
            parts.append(f"{format_duration(self._clock.seconds_left(trainer))} left")
        self.console.print("  ".join(parts), highlight=False, soft_wrap=True)
        if trainer.finished and trainer.epoch < trainer.stage.epochs:
            self.console.print(
                f"stopped early: {trainer.epochs_without_improvement} epochs without a better "
                "validation metric",
                highlight=False,
            )

    def _estimate(self, trainer: StageTrainer) -> None:
        if self._clock.elapsed() < ESTIMATE_SECONDS or not self._clock.is_warm:
            return
        self._estimated = True
        duration = format_duration(self._clock.elapsed() + self._clock.seconds_left(trainer))
        epochs = trainer.stage.epochs - trainer.epoch
        unit = "epoch" if epochs == 1 else "epochs"
        self.console.print(f"estimated duration: {duration} for {epochs:,} {unit}", highlight=False)

    def _has_line(self, trainer: StageTrainer) -> bool:
        """The first epoch, the last, and evenly spaced ones between them."""
        interval = -(-trainer.stage.epochs // (self.max_lines - 2))
        return trainer.epoch == 1 or trainer.epoch % interval == 0 or trainer.finished


class _Clock:
    """The time left of a stage, by the pace since the first steps of this process."""

    def __init__(self, trainer: StageTrainer):
        self.is_warm = False
        self._first_step = trainer.step
        self._started = time.monotonic()

    def after_step(self, trainer: StageTrainer) -> None:
        """Restart once after the first steps."""
        if not self.is_warm and trainer.step - self._first_step >= WARM_UP_STEPS:
            self.is_warm = True
            self._first_step = trainer.step
            self._started = time.monotonic()

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def seconds_left(self, trainer: StageTrainer) -> float:
        """Seconds that the remaining steps take at the same pace."""
        done = trainer.step - self._first_step
        return self.elapsed() * (trainer.total_steps - trainer.step) / max(done, 1)


def _best_mark(row: Mapping[str, float], best: Mapping[str, float]) -> str:
    if row["epoch"] == best["epoch"]:
        return "best so far"
    return f"(best: epoch {best['epoch']:.0f}, {best['val_loss']:.2f})"


def _bound(row: Mapping[str, float]) -> str:
    return f", bound {-row['val_bound']:.2f}" if "val_bound" in row else ""


def _terms(name: str, prefix: str, row: Mapping[str, float]) -> str:
    loss = row[f"{prefix}loss"]
    reconstruction = row[f"{prefix}reconstruction"]
    divergence = row[f"{prefix}divergence"]
    return f"{name} {loss:.2f} = reconstruction {reconstruction:.2f} + divergence {divergence:.2f}"
