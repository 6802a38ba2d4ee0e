"""The length of a training by its computation: steps and batch sizes from a budget."""

from vaekit.core.operations import operations_per_example
from vaekit.core.vae import VAE

BUDGET = 1.2e13
"""Floating-point operations of the network of the Keras example in 4,500 steps of 64 images."""
BACKWARD_AND_FORWARD = 3
MAX_STEPS = 4500
MIN_STEPS = 50
MAX_EPOCHS = 300
MAX_BATCH_SIZE = 64
MIN_BATCHES = 8
"""Batches of an epoch, if there are as many examples."""


def default_batch_size(examples: int) -> int:
    """64, or fewer for few examples: a power of two, for at least 8 batches in an epoch.

    >>> default_batch_size(50_000), default_batch_size(100), default_batch_size(1)
    (64, 8, 1)
    """
    size = MAX_BATCH_SIZE
    while size > 1 and size * MIN_BATCHES > examples:
        size //= 2
    return size


def default_steps(model: VAE, examples: int, batch_size: int) -> int:
    """As many steps as the budget allows, 50 to 4,500, and at most 300 epochs.

    Args:
        model: The model.
        examples: Training examples of an epoch.
        batch_size: Examples of one step.
    """
    step = BACKWARD_AND_FORWARD * batch_size * operations_per_example(model)
    steps = max(MIN_STEPS, min(MAX_STEPS, int(BUDGET / max(step, 1))))
    return min(steps, MAX_EPOCHS * -(-examples // batch_size))
