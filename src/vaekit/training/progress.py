"""What people see while a run trains: a bar with the time left and the three losses, and a line per epoch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from vaekit.training.stage_trainer import StageTrainer

REFRESH_SECONDS = 0.5  # each reading of the sums waits for the device


class ProgressBar:
    """A bar over the whole stage on standard error; elsewhere than on a terminal only the lines."""

    def __init__(self, console: Console):
        self.console = console

    @contextmanager
    def stage_bar(self, training: StageTrainer) -> Iterator[None]:
        """Show the bar of a stage meanwhile."""
        if "encoder" not in training.stage.trainable:
            parts = " and ".join(training.stage.trainable)
            self.console.print(f"the {parts} alone, on what all else has learned:", highlight=False)
        self.bar = Progress(
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
        self.task = self.bar.add_task(
            "", total=training.total_steps, completed=training.step, epoch="", losses=""
        )
        self.updated = 0.0
        with self.bar:
            yield

    def after_update(self, training: StageTrainer) -> None:
        if self.bar.disable or time.monotonic() - self.updated < REFRESH_SECONDS:
            return
        self.updated = time.monotonic()
        epoch = f"{training.epoch + 1}/{training.stage.epochs}"
        self.bar.update(
            self.task,
            completed=training.step,
            epoch=epoch,
            losses=_terms("loss", "", training.means()),
        )

    def after_epoch(self, training: StageTrainer, row: dict[str, float]) -> None:
        self.console.print(
            f"epoch {training.epoch}/{training.stage.epochs}  training {row['train_loss']:.2f}  "
            f"{_terms('validation', 'val_', row)}{_bound(row)} nats",
            highlight=False,
            soft_wrap=True,
        )


def _bound(row: dict[str, float]) -> str:
    return f", bound {-row['val_bound']:.2f}" if "val_bound" in row else ""


def _terms(name: str, prefix: str, row: dict[str, float]) -> str:
    loss, reconstruction, divergence = (
        row[prefix + term] for term in ("loss", "reconstruction", "divergence")
    )
    return f"{name} {loss:.2f} = reconstruction {reconstruction:.2f} + divergence {divergence:.2f}"
