"""Raw rows on their way into a model: as they came in memory or on disk, floats only where a batch is used."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vaekit.data.support import Transform

BATCH = 500
MAX_VALUES = 2**21
"""Values decoded at once, K x rows x values per row: 8 MB in float32, some 300 MB with a convolutional net's activations."""


@dataclass(frozen=True)
class Inputs:
    """Rows x [M, *shape], or those of them at `indices` [N], and the transform that a model sees them through.

    Nothing is copied before it is used: a memory map stays on the disk, bytes stay bytes.
    """

    x: np.ndarray
    transform: Transform
    indices: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x) if self.indices is None else len(self.indices)

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """Which rows of `x` stand at these positions."""
        return positions if self.indices is None else self.indices[positions]

    def take(self, positions: np.ndarray) -> Tensor:
        """The raw rows at these positions."""
        return as_tensor(self.x[self.rows(positions)])

    def batches(self, model: nn.Module, size: int | None = None) -> Iterator[Tensor]:
        """The rows in order, as `model` takes them; `size` rows at once, by default as many as `rows_at_once` allows."""
        size = size or rows_at_once(self.x.shape[1:])
        for start in range(0, len(self), size):
            yield to_model(self.take(np.arange(start, min(start + size, len(self)))), model, self.transform)


def rows_at_once(shape: tuple[int, ...], samples: int = 1) -> int:
    """How many rows of this shape, each with this many samples of z, keep the memory bounded: 1 to 500."""
    values = int(np.prod(shape)) * samples
    return max(1, min(BATCH, MAX_VALUES // values))


def as_tensor(rows: np.ndarray) -> Tensor:
    """Rows as a tensor over the same memory; a copy only where that is not contiguous or, as in a memory map, not writable."""
    return torch.from_numpy(np.require(rows, requirements=("C", "W")))


def to_model(rows: Tensor, model: nn.Module, transform: Transform) -> Tensor:
    """Raw rows as floats on the model's device and in its precision."""
    anchor = next(model.parameters())
    return transform.forward(rows.to(anchor.device).to(anchor.dtype))
