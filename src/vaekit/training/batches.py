"""Shuffled batches, sliced whole; the order is a function of the seed and the epoch alone, the position can be saved."""

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from vaekit.inputs import Batch, ModelInputs
from vaekit.runtime.distributed import ProcessInfo


def count_batches(rows: int, size: int) -> int:
    """How many batches an epoch has: a last one of a single row, which batch normalisation cannot use, joins the one before."""
    return -(-rows // size) - int(size > 1 and rows > size and rows % size == 1)


class Batches:
    """Batches of raw rows; iterating goes through the rest of the epoch that `load_state_dict` put it in, or the next.

    process: of which each process takes its rows of every batch, all as many: an epoch leaves out up to one row less than there
    are processes, others each time.
    """

    def __init__(
        self, inputs: ModelInputs, size: int, seed: int, process: ProcessInfo = ProcessInfo()
    ):  # noqa: B008 - immutable
        self.inputs, self.size, self.seed, self.process = inputs, size, seed, process
        self.epoch = self.position = 0

    def __len__(self) -> int:
        return count_batches(self._used, self.size)

    def __iter__(self) -> Generator[Batch]:
        if self.position >= len(self):
            self.epoch, self.position = self.epoch + 1, 0
        order = self._order()
        while self.position < len(self):
            self.position += (
                1  # before the yield: a state saved while the batch is in use counts it as seen
            )
            yield self.inputs.select(self._slice(order))

    @property
    def examples_per_epoch(self) -> int:
        """Of all processes."""
        return self._used

    def rows(self) -> Sequence[Any]:
        """The rows of the data in the batch last given, for messages."""
        return self.inputs.source_indices(self._slice(self._order())).tolist()

    @property
    def _used(self) -> int:
        return len(self.inputs) - len(self.inputs) % self.process.world_size

    def _order(self) -> np.ndarray:
        return np.random.default_rng((self.seed, self.epoch)).permutation(len(self.inputs))[
            : self._used
        ]

    def _slice(self, order: np.ndarray) -> np.ndarray:
        """The part of this epoch's order that is this process's process of the batch before `position`."""
        end = None if self.position >= len(self) else self.position * self.size
        batch = order[(self.position - 1) * self.size : end]
        rows = len(batch) // self.process.world_size
        return batch[self.process.rank * rows : (self.process.rank + 1) * rows]

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
