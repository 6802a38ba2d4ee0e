"""What one stage of training is: which parts learn, from what, for how long."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from vaekit.model import VAE
from vaekit.objectives import Objective


@dataclass(frozen=True)
class Stage:
    """One stage; its checkpoint is named for it.

    learns: the parts whose weights change; the others are as they were, in evaluation mode.
    """

    name: str
    learns: tuple[str, ...]
    objective: Objective
    optimizer: Callable[..., torch.optim.Optimizer]
    schedule: Callable[[float], float]
    epochs: int
    batch_size: int
    patience: int | None = None
    clip: float | None = None

    def frozen(self, model: VAE) -> list[nn.Module]:
        """The parts that do not learn."""
        return [module for name, module in model.named_children() if name not in self.learns]
