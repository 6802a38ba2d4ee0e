"""Time and memory of a step of a stage, measured before the training starts."""

import time

import numpy as np
import torch

from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.inputs import ModelInputs, to_model
from vaekit.runtime.seeding import seeded_noise
from vaekit.training.freezing import freeze_except
from vaekit.training.stages import Stage

TIMED_STEPS = 3
"""The first of them is slower than the others, and not counted."""


def seconds_per_step(
    model: VAE, stage: Stage, inputs: ModelInputs, batch_size: int, *, mixed_precision: bool = False
) -> float:
    """Seconds of a step of a stage: loss and gradient of one batch; nothing is changed.

    Args:
        model: The model.
        stage: The stage.
        inputs: The training examples.
        batch_size: Examples per step, of this process.
        mixed_precision: Whether the nets compute in bfloat16.
    """
    seconds = []
    for _ in range(TIMED_STEPS):
        started = time.monotonic()
        _compute_gradients(model, stage, inputs, batch_size, mixed_precision)
        seconds.append(time.monotonic() - started)
    return min(seconds[1:])


def bytes_per_step(model: VAE, stage: Stage, inputs: ModelInputs, batch_size: int) -> int:
    """Bytes of the tensors that the gradient of one batch needs; nothing is changed.

    Args:
        model: The model.
        stage: The stage.
        inputs: The training examples.
        batch_size: Examples per step.
    """
    sizes: dict[int, int] = {}

    def record(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        _compute_gradients(model, stage, inputs, batch_size, mixed_precision=False)
    return sum(sizes.values())


def _compute_gradients(
    model: VAE, stage: Stage, inputs: ModelInputs, batch_size: int, mixed_precision: bool
) -> None:
    """Compute loss and gradient of the first batch, and discard both."""
    batch = inputs.select(np.arange(min(batch_size, len(inputs))))
    x = to_model(batch.x, model, inputs.transform)
    condition = () if batch.y is None else (batch.y,)
    with freeze_except(model, stage), eval_mode(model), seeded_noise(0):
        with torch.autocast(x.device.type, torch.bfloat16, enabled=mixed_precision):
            loss = stage.objective(model, x, *condition).loss
        loss.backward()
        loss.item()  # waits for the device
        model.zero_grad()
