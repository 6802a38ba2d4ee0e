"""Batches of raw rows, sliced whole; the order is a function of the seed and the epoch alone, the position can be saved."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.store import as_tensor


class Batches:
    """Shuffled batches of rows x [N, *shape] as they came; iterating goes on where `load_state_dict` put it.

    In memory the rows are one tensor, indexed at once; on disk (a memory map) only a batch's rows are read.
    """

    def __init__(self, x: np.ndarray, batch_size: int, seed: int):
        self.x, self.batch_size, self.seed = x, batch_size, seed
        self.tensor = None if isinstance(x, np.memmap) else as_tensor(x)
        self.epoch = self.position = 0

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        if self.position == len(self):
            self.epoch, self.position = self.epoch + 1, 0
        order = self.order()
        while self.position < len(self):
            rows = order[self.position * self.batch_size :][: self.batch_size]
            self.position += 1  # before the yield: a state saved while the batch is in use counts it as seen
            yield self._take(rows)

    def order(self) -> np.ndarray:
        """The permutation of this epoch."""
        return np.random.default_rng((self.seed, self.epoch)).permutation(len(self.x))

    def rows(self) -> np.ndarray:
        """The indices of the rows in the batch last given, for messages."""
        return self.order()[(self.position - 1) * self.batch_size :][: self.batch_size]

    def _take(self, rows: np.ndarray) -> Tensor:
        if self.tensor is None:
            return as_tensor(self.x[np.sort(rows)])  # in the order of the file: fewer seeks, the same batch
        return self.tensor.index_select(0, torch.from_numpy(rows))

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
