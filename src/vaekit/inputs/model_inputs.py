"""Raw rows on their way into a model: as they came in memory or on disk, floats only where a batch is used."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from vaekit.core.vae import VAE
from vaekit.data.support import Transform
from vaekit.runtime.distributed import ProcessInfo

BATCH = 500
MAX_VALUES = 2**21
"""Values computed at once, K x rows x values per row: 8 MB in float32, some 300 MB with a convolutional net's activations."""


class Batch(NamedTuple):
    """Rows [B, *shape] and, for a conditional model, their classes [B]."""

    x: Tensor
    y: Tensor | None = None


@dataclass(frozen=True)
class ModelInputs:
    """Rows x [M, *shape], or those of them at `indices` [N], and the transform that a model sees them through.

    y: the classes of the rows [M], for a conditional model only.

    Nothing is copied before it is used: a memory map stays on the disk, bytes stay bytes.
    """

    x: np.ndarray
    transform: Transform
    indices: np.ndarray | None = None
    y: np.ndarray | None = None

    def to_device_if_fits(self, device: torch.device) -> "ModelInputs":
        """The same rows on a GPU, where they take at most half of its free memory; else, and on a CPU, as they are."""
        if (
            device.type != "cuda"
            or len(self) * self.x[:1].nbytes > torch.cuda.mem_get_info(device)[0] / 2
        ):
            return self
        return self.held_by(device)

    def held_by(self, device: torch.device) -> "DeviceInputs":
        """The same rows in a device's memory."""
        blocks = (
            np.arange(start, min(start + BATCH, len(self))) for start in range(0, len(self), BATCH)
        )
        parts = (tuple(t for t in self.select(block) if t is not None) for block in blocks)
        return DeviceInputs(
            self.x,
            self.transform,
            self.indices,
            self.y,
            Batch(*concat_batches(parts, len(self), device)),
        )

    def __len__(self) -> int:
        return len(self.x) if self.indices is None else len(self.indices)

    def rows(self, positions: np.ndarray) -> np.ndarray:
        """Which rows of `x` stand at these positions."""
        return positions if self.indices is None else self.indices[positions]

    def select(self, positions: np.ndarray) -> Batch:
        """The raw rows at these positions."""
        rows = self.rows(positions)
        return Batch(as_tensor(self.x[rows]), None if self.y is None else as_tensor(self.y[rows]))

    def batches(
        self, model: VAE, size: int | None = None, process: ProcessInfo = ProcessInfo()
    ) -> Iterator[Batch]:  # noqa: B008 - immutable
        """The rows in order, as `model` takes them; `size` rows at once, by default as many as `max_batch_examples` allows.

        process: of several processes each gets every so manieth batch.
        """
        size = size or max_batch_examples(values_per_example(model))
        for start in range(process.rank * size, len(self), process.world_size * size):
            x, y = self.select(np.arange(start, min(start + size, len(self))))
            x = to_model(x, model, self.transform)
            yield Batch(x, None if y is None else y.to(x.device))


@dataclass(frozen=True)
class DeviceInputs(ModelInputs):
    """Rows that a device holds in memory, all of them."""

    held: Batch | None = None

    def select(self, positions: np.ndarray) -> Batch:
        assert self.held is not None
        at = torch.from_numpy(positions).to(self.held.x.device)
        return Batch(self.held.x[at], None if self.held.y is None else self.held.y[at])


def values_per_example(model: VAE) -> int:
    """How many numbers the model gives for one row at most: the likelihood's parameters, or what the prior computes."""
    decoded = math.prod(getattr(model.likelihood, "parameter_shape", model.data_shape))
    return max(decoded, getattr(model.prior, "values_per_example", 0))


def max_batch_examples(values: int, samples: int = 1) -> int:
    """How many rows of that many values, each with this many samples of z, keep the memory bounded: 1 to 500."""
    return max(1, min(BATCH, MAX_VALUES // (values * samples)))


def concat_batches(
    parts: Iterable[tuple[Tensor, ...]], rows: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, ...]:
    """Tuples of tensors, each part one behind the other, in memory that is taken when the first part is there.

    A list of small parts, kept between large blocks that come and go, would leave no room for these to come again.
    """
    whole: list[Tensor] = []
    end = 0
    for part in parts:
        whole = whole or [
            torch.empty((rows, *t.shape[1:]), dtype=t.dtype, device=device) for t in part
        ]
        start, end = end, end + len(part[0])
        for kept, new in zip(whole, part, strict=True):
            kept[start:end] = new
    return tuple(whole)


def as_tensor(rows: np.ndarray) -> Tensor:
    """Rows as a tensor over the same memory; a copy only where that is not contiguous or, as in a memory map, not writable."""
    return torch.from_numpy(np.require(rows, requirements=("C", "W")))


def to_model(rows: Tensor, model: nn.Module, transform: Transform) -> Tensor:
    """Raw rows as floats on the model's device and in its precision."""
    anchor = next(model.parameters())
    return transform.forward(rows.to(anchor.device).to(anchor.dtype))
