"""Examples on their way into a model: stored raw, floats only where a batch is used."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from vaekit.core.vae import VAE
from vaekit.data.support import Transform
from vaekit.runtime.distributed import ProcessInfo

MAX_BATCH_EXAMPLES = 500
MAX_VALUES = 2**21
"""Values computed at once, samples x examples x values per example: 8 MB in float32, some 300 MB
with the activations of a convolutional net."""

SINGLE_PROCESS = ProcessInfo()


class Batch(NamedTuple):
    """Examples x [B, *shape] and, for a conditional model, their class numbers y [B]."""

    x: Tensor
    y: Tensor | None = None


@dataclass(frozen=True)
class ModelInputs:
    """Raw examples and the transform that a model sees them through.

    Nothing is copied before it is used: a memory map stays on disk, bytes stay bytes.

    Attributes:
        x: Raw examples [M, *shape].
        transform: From raw values to what the model takes.
        indices: The N examples of `x` that these inputs consist of; None for all.
        y: Class numbers [M], for a conditional model only.
    """

    x: np.ndarray
    transform: Transform
    indices: np.ndarray | None = None
    y: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x) if self.indices is None else len(self.indices)

    def source_indices(self, positions: np.ndarray) -> np.ndarray:
        """The indices within `x` of the examples at these positions."""
        return positions if self.indices is None else self.indices[positions]

    def labels(self) -> np.ndarray | None:
        """Class numbers [N] of these examples."""
        return None if self.y is None else self.y[self.source_indices(np.arange(len(self)))]

    def without_labels(self) -> Self:
        """The same examples for a model that is not conditional."""
        return replace(self, y=None)

    def select(self, positions: np.ndarray) -> Batch:
        """The raw examples at these positions."""
        indices = self.source_indices(positions)
        y = None if self.y is None else as_tensor(self.y[indices])
        return Batch(as_tensor(self.x[indices]), y)

    def subset(self, positions: np.ndarray) -> Self:
        """Inputs of the examples at these positions; no data is copied."""
        return replace(self, indices=self.source_indices(positions))

    def first(self, count: int) -> Self:
        """Inputs of the first `count` examples."""
        return self.subset(np.arange(min(count, len(self))))

    def random(self, count: int, seed: int, *, skip: int = 0) -> Self:
        """Inputs of `count` examples in random order, after `skip` others of that order.

        Files often hold one class behind the other, so consecutive examples would not do.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        return self.subset(order[skip : skip + count])

    def to_device_if_fits(self, device: torch.device) -> "ModelInputs":
        """These examples in the memory of a GPU if they take at most half of what is free there."""
        if device.type != "cuda":
            return self
        free, _ = torch.cuda.mem_get_info(device)
        if len(self) * self.x[:1].nbytes > free / 2:
            return self
        return self.to_device(device)

    def to_device(self, device: torch.device) -> "DeviceInputs":
        """These examples in the memory of a device."""
        starts = range(0, len(self), MAX_BATCH_EXAMPLES)
        blocks = (np.arange(s, min(s + MAX_BATCH_EXAMPLES, len(self))) for s in starts)
        batches = (tuple(t for t in self.select(block) if t is not None) for block in blocks)
        resident = Batch(*concat_batches(batches, len(self), device))
        return DeviceInputs(self.x, self.transform, self.indices, self.y, resident)

    def batches(
        self, model: VAE, size: int | None = None, process: ProcessInfo = SINGLE_PROCESS
    ) -> Iterator[Batch]:
        """The examples in order, as `model` takes them.

        Args:
            model: The model, whose device and precision the batches have.
            size: Examples per batch; default as many as `max_batch_examples` allows.
            process: Each process gets every world_size-th batch.
        """
        size = size or max_batch_examples(values_per_example(model))
        for start in range(process.rank * size, len(self), process.world_size * size):
            x, y = self.select(np.arange(start, min(start + size, len(self))))
            x = to_model(x, model, self.transform)
            yield Batch(x, None if y is None else y.to(x.device))


@dataclass(frozen=True)
class DeviceInputs(ModelInputs):
    """Inputs that a device holds in memory, all of them."""

    resident: Batch | None = None

    def select(self, positions: np.ndarray) -> Batch:
        """The raw examples at these positions, on the device."""
        assert self.resident is not None
        x, y = self.resident
        at = torch.from_numpy(positions).to(x.device)
        return Batch(x[at], None if y is None else y[at])


def values_per_example(model: VAE) -> int:
    """The most numbers that the model computes for one example: in the decoder or in the prior."""
    decoded = math.prod(getattr(model.likelihood, "parameter_shape", model.data_shape))
    return max(decoded, getattr(model.prior, "values_per_example", 0))


def max_batch_examples(values: int, samples: int = 1) -> int:
    """The examples per batch, 1 to 500, that keep memory bounded.

    Args:
        values: Values per example.
        samples: Samples of z per example.
    """
    return max(1, min(MAX_BATCH_EXAMPLES, MAX_VALUES // (values * samples)))


def concat_batches(
    batches: Iterable[tuple[Tensor, ...]], count: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, ...]:
    """Concatenate the tensors of consecutive batches, in memory allocated with the first one.

    A list of small batches, kept between large blocks that come and go, fragments memory.
    """
    whole: list[Tensor] = []
    end = 0
    for batch in batches:
        whole = whole or [
            torch.empty((count, *t.shape[1:]), dtype=t.dtype, device=device) for t in batch
        ]
        start, end = end, end + len(batch[0])
        for kept, new in zip(whole, batch, strict=True):
            kept[start:end] = new
    return tuple(whole)


def as_tensor(examples: np.ndarray) -> Tensor:
    """A tensor over the memory of an array; a copy only if that is not contiguous or not writable."""
    return torch.from_numpy(np.require(examples, requirements=("C", "W")))


def to_model(examples: Tensor, model: nn.Module, transform: Transform) -> Tensor:
    """Raw examples as floats on the device and in the precision of the model."""
    anchor = next(model.parameters())
    return transform.forward(examples.to(anchor.device).to(anchor.dtype))
