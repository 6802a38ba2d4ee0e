"""Shuffled batches of examples; the order depends on seed and epoch only, the position is saved."""

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from vaekit.inputs import Batch, ModelInputs
from vaekit.runtime.distributed import ProcessInfo

ONE_PROCESS = ProcessInfo()


def count_batches(examples: int, size: int) -> int:
    """The number of batches of an epoch.

    A last batch of one example, which batch normalization cannot use, is added to the one before.
    """
    has_single_rest = size > 1 and examples > size and examples % size == 1
    return -(-examples // size) - int(has_single_rest)


class Batches:
    """Batches of examples in random order, epoch after epoch.

    Iterating yields the rest of the epoch after `move_to`, or the next epoch. Each process
    gets an equal part of every batch, so an epoch omits up to world_size - 1 examples, others each
    time.

    Args:
        inputs: The training examples.
        size: Examples per batch, over all processes.
        seed: Seed of the order.
        process: This process.

    Attributes:
        epoch: The current epoch, from 0.
        position: The number of batches of the epoch that have been yielded.
    """

    def __init__(
        self, inputs: ModelInputs, size: int, seed: int, process: ProcessInfo = ONE_PROCESS
    ):
        self.inputs = inputs
        self.size = size
        self.seed = seed
        self.process = process
        self.epoch = 0
        self.position = 0

    def __len__(self) -> int:
        return count_batches(self.examples_per_epoch, self.size)

    def __iter__(self) -> Generator[Batch]:
        self._begin_epoch()
        order = self._order()
        while self.position < len(self):
            # Before the yield: a checkpoint during the step counts the batch as seen.
            self.position += 1
            yield self.inputs.select(self._current_indices(order))

    @property
    def examples_per_epoch(self) -> int:
        """The examples of an epoch, over all processes."""
        return len(self.inputs) - len(self.inputs) % self.process.world_size

    def current_examples(self) -> Sequence[Any]:
        """Dataset indices of the examples in the batch that was yielded last, for messages."""
        return self.inputs.source_indices(self._current_indices(self._order())).tolist()

    def move_to(self, epoch: int, position: int) -> None:
        """Continue at another epoch and position."""
        self.epoch = epoch
        self.position = position

    def _begin_epoch(self) -> None:
        if self.position >= len(self):
            self.epoch += 1
            self.position = 0

    def _order(self) -> np.ndarray:
        order = self.inputs.epoch_order(np.random.default_rng((self.seed, self.epoch)))
        return order[: self.examples_per_epoch]

    def _current_indices(self, order: np.ndarray) -> np.ndarray:
        """The part of this process of the batch before `position`."""
        is_last = self.position >= len(self)
        end = None if is_last else self.position * self.size
        batch = order[(self.position - 1) * self.size : end]
        count = len(batch) // self.process.world_size
        return batch[self.process.rank * count : (self.process.rank + 1) * count]
