"""The pace of a stage, measured before the training starts."""

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
    batch = inputs.select(np.arange(min(batch_size, len(inputs))))
    x = to_model(batch.x, model, inputs.transform)
    condition = () if batch.y is None else (batch.y,)
    seconds = []
    with freeze_except(model, stage), eval_mode(model), seeded_noise(0):
        for _ in range(TIMED_STEPS):
            started = time.monotonic()
            with torch.autocast(x.device.type, torch.bfloat16, enabled=mixed_precision):
                loss = stage.objective(model, x, *condition).loss
            loss.backward()
            loss.item()  # waits for the device
            seconds.append(time.monotonic() - started)
            model.zero_grad()
    return min(seconds[1:])
