"""The figures of an epoch."""

import math
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, Trainer

from vaekit.errors import NonFiniteError
from vaekit.model import VAE


class Validation(Callback):
    """At the end of an epoch: training means and validation figures, for the other callbacks and for loggers.

    validate: the model -> its figures on the validation rows, in full precision; `loss` among them chooses the best weights.
    """

    def __init__(self, validate: Callable[[VAE], dict[str, float]]):
        self.validate = validate

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        figures = self.validate(pl_module.model)
        for name, value in figures.items():
            if not math.isfinite(value):
                raise NonFiniteError(
                    f"validation {name} is {value} after epoch {trainer.current_epoch + 1}, step {trainer.global_step}: "
                    "weights of earlier epochs, if any, are kept; try a lower optimizer.lr, training.clip=1, or data on a "
                    "smaller scale"
                )
        training = {f"train_{name}": value for name, value in pl_module.means().items()}
        pl_module.row = training | {f"val_{name}": value for name, value in figures.items()}
        pl_module.log_dict(pl_module.row)
