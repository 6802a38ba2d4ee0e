"""What people see while a run trains: a bar with the time left and the three losses, and a line per epoch."""

from typing import Any

from lightning.pytorch import Callback, Trainer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar(Callback):
    """A bar over the whole training on standard error; elsewhere than on a terminal only the lines."""

    def __init__(self, console: Console):
        self.console = console
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=console,
            refresh_per_second=2,
            transient=True,
            disable=not console.is_terminal,
        )

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        if "encoder" not in pl_module.stage.learns:
            parts = " and ".join(pl_module.stage.learns)
            self.console.print(f"the {parts} alone, on what all else has learned:", highlight=False)
        total = (trainer.max_epochs or 0) * len(pl_module.batches)
        self.task = self.bar.add_task("", total=total, completed=trainer.global_step, epoch="", losses="")
        self.bar.start()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        task = self.bar.tasks[self.task]
        if self.bar.disable or trainer.global_step - task.completed < max(1, task.fields.get("stride", 1)):
            return
        means = pl_module.means()
        losses = (
            f"loss {means['loss']:.2f} = reconstruction {means['reconstruction']:.2f} + divergence {means['divergence']:.2f}"
        )
        epoch = f"{trainer.current_epoch + 1}/{trainer.max_epochs}"
        stride = int((task.speed or 0) / 2)  # read the sums twice a second: each reading waits for the device
        self.bar.update(self.task, completed=trainer.global_step, epoch=epoch, losses=losses, stride=stride)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        row = pl_module.row
        terms = f"reconstruction {row['val_reconstruction']:.2f} + divergence {row['val_divergence']:.2f}"
        self.console.print(
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  training {row['train_loss']:.2f}  "
            f"validation {row['val_loss']:.2f} = {terms} nats",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        self.bar.stop()

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        self.bar.stop()
