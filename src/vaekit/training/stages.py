"""What one stage of training is: which parts learn, from what, for how long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from vaekit.core.vae import VAE
from vaekit.objectives import Objective


@dataclass(frozen=True)
class Stage:
    """One stage; its checkpoint is named for it.

    trainable: the parts whose weights change; the others are as they were, in evaluation mode.
    """

    name: str
    trainable: tuple[str, ...]
    objective: Objective
    optimizer: Callable[..., torch.optim.Optimizer]
    schedule: Callable[[float], float]
    epochs: int
    batch_size: int
    patience: int | None = None
    clip: float | None = None

    @property
    def criterion(self) -> str:
        """The column that chooses the best weights: the validation loss, if the objective does not say otherwise."""
        return f"val_{getattr(self.objective, 'judged_by', 'loss')}"

    def frozen(self, model: VAE) -> list[nn.Module]:
        """The parts that do not learn."""
        return [module for name, module in model.named_children() if name not in self.trainable]


@contextmanager
def freeze_except(model: VAE, stage: Stage) -> Iterator[None]:
    """Only the parts of the stage learn; a part whose own stage is yet to come is told to wait for it."""
    frozen = stage.frozen(model)
    fixed = [p for part in frozen for p in part.parameters() if p.requires_grad]
    deferred = [part for part in frozen if hasattr(part, "deferred")]
    try:
        for p in fixed:
            p.requires_grad_(False)
        for part in deferred:
            part.deferred = True  # pyright: ignore[reportArgumentType]
        yield
    finally:
        for p in fixed:
            p.requires_grad_(True)
        for part in deferred:
            part.deferred = False  # pyright: ignore[reportArgumentType]
