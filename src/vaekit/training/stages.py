"""Stages of training: the trained parts, the objective, the number of epochs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from vaekit.core.vae import VAE
from vaekit.objectives import Objective


@dataclass(frozen=True)
class Stage:
    """One stage, whose checkpoint has its name.

    Attributes:
        name: The name of the checkpoint.
        trainable: The parts whose weights change; the others are frozen, in evaluation mode.
        objective: The objective to minimize.
        optimizer: Parameters -> torch optimizer.
        schedule: Progress in [0, 1] -> factor of the learning rate.
        epochs: Passes over the training examples.
        batch_size: Examples per step, over all processes.
        patience: Epochs without improvement after which training stops; None for never.
        grad_clip_norm: Maximal norm of the gradient.
    """

    name: str
    trainable: tuple[str, ...]
    objective: Objective
    optimizer: Callable[..., torch.optim.Optimizer]
    schedule: Callable[[float], float]
    epochs: int
    batch_size: int
    patience: int | None = None
    grad_clip_norm: float | None = None

    @property
    def criterion(self) -> str:
        """The column of the history that selects the best weights."""
        return f"val_{getattr(self.objective, 'selection_metric', 'loss')}"

    def frozen(self, model: VAE) -> list[nn.Module]:
        """The parts that are not trained."""
        return [module for name, module in model.named_children() if name not in self.trainable]
