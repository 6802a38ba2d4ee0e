"""Model inputs: raw examples with the transform to the values that a model takes."""

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
SIGNED_TYPES: dict[np.dtype, np.dtype] = {
    np.dtype(np.uint16): np.dtype(np.int32),
    np.dtype(np.uint32): np.dtype(np.int64),
    np.dtype(np.uint64): np.dtype(np.float64),
}


class Batch(NamedTuple):
    """Examples of a batch.

    Attributes:
        x: Examples [B, *shape].
        y: Class indices [B] for a conditional model, else None.

    >>> Batch(torch.zeros(2, 3)).y is None
    True
    """

    x: Tensor
    y: Tensor | None = None


@dataclass(frozen=True)
class ModelInputs:
    """Raw examples and the transform that a model sees them through.

    Examples are copied batch by batch only: a memory map stays on disk, bytes stay bytes.

    Attributes:
        x: Raw examples [M, *shape].
        transform: From raw values to what the model takes.
        indices: The N examples of `x` that these inputs consist of; None for all.
        y: Class indices [M], for a conditional model only.
        balance: Class indices [M] whose classes train equally often; None to train on every
            example once an epoch.

    >>> inputs = ModelInputs(np.arange(10.0)[:, None], Transform("real"))
    >>> inputs.subset(np.array([7, 2])).select(np.array([0])).x
    tensor([[7.]], dtype=torch.float64)
    """

    x: np.ndarray
    transform: Transform
    indices: np.ndarray | None = None
    y: np.ndarray | None = None
    balance: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x) if self.indices is None else len(self.indices)

    def source_indices(self, positions: np.ndarray) -> np.ndarray:
        """The indices within `x` of the examples at these positions [B]."""
        return positions if self.indices is None else self.indices[positions]

    def labels(self) -> np.ndarray | None:
        """Class indices [N] of these examples; None without labels."""
        if self.y is None:
            return None
        return self.y[self.source_indices(np.arange(len(self)))]

    def without_labels(self) -> Self:
        """The same examples for a model that is not conditional."""
        return replace(self, y=None)

    def epoch_order(self, rng: np.random.Generator) -> np.ndarray:
        """The positions that an epoch trains on, as many as there are examples, in random order.

        With balanced classes, examples of rare classes are repeated and others left out; each epoch
        leaves out others.
        """
        if self.balance is None:
            return rng.permutation(len(self))
        classes = self.balance[self.source_indices(np.arange(len(self)))]
        present = np.unique(classes)
        share = -(-len(self) // len(present))
        repeated = [_repeat(np.flatnonzero(classes == c), share, rng) for c in present]
        return rng.permutation(np.concatenate(repeated))[: len(self)]

    def select(self, positions: np.ndarray) -> Batch:
        """The raw examples at these positions [B]."""
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
        """Inputs of examples in random order, because files are often sorted by class.

        Args:
            count: The number of examples, at most.
            seed: Seed of the order.
            skip: The number of examples at the beginning of the order to leave out.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        return self.subset(order[skip : skip + count])

    def to_device_if_fits(self, device: torch.device) -> "ModelInputs":
        """These examples in the memory of a GPU if they need at most half of its free memory."""
        if device.type != "cuda":
            return self
        free, _ = torch.cuda.mem_get_info(device)
        if len(self) * self.x[:1].nbytes > free / 2:
            return self
        return self.to_device(device)

    def to_device(self, device: torch.device) -> "DeviceInputs":
        """These examples in the memory of a device."""
        starts = range(0, len(self), MAX_BATCH_EXAMPLES)
        blocks = (np.arange(start, min(start + MAX_BATCH_EXAMPLES, len(self))) for start in starts)
        batches = (
            tuple(tensor for tensor in self.select(block) if tensor is not None) for block in blocks
        )
        resident = Batch(*concat_batches(batches, len(self), device))
        return DeviceInputs(**vars(self), resident=resident)

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


def _repeat(positions: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of some positions in random order; none comes twice before all have come once."""
    rounds = -(-count // len(positions))
    return np.concatenate([rng.permutation(positions) for _ in range(rounds)])[:count]


@dataclass(frozen=True)
class DeviceInputs(ModelInputs):
    """Inputs that are completely in the memory of a device.

    Attributes:
        resident: All examples in order, on the device.

    >>> inputs = ModelInputs(np.arange(10.0)[:, None], Transform("real"))
    >>> inputs.to_device(torch.device("cpu")).select(np.array([3])).x
    tensor([[3.]], dtype=torch.float64)
    """

    resident: Batch | None = None

    def select(self, positions: np.ndarray) -> Batch:
        """The raw examples at these positions [B], on the device."""
        assert self.resident is not None
        x, y = self.resident
        on_device = torch.from_numpy(positions).to(x.device)
        return Batch(x[on_device], None if y is None else y[on_device])


def values_per_example(model: VAE) -> int:
    """The size of the largest tensor that a model computes for one example.

    Args:
        model: A model; the size is that of the parameters of its likelihood, or larger if its
            prior says so.

    Returns:
        The number of values.

    >>> import vaekit
    >>> values_per_example(vaekit.build("mlp", np.zeros((4, 6)), latent_dim=2))
    6
    """
    decoded = math.prod(getattr(model.likelihood, "parameter_shape", model.data_shape))
    return max(decoded, getattr(model.prior, "values_per_example", 0))


def max_batch_examples(values: int, samples: int = 1) -> int:
    """The examples per batch, 1 to 500, that keep memory bounded.

    Args:
        values: Values per example.
        samples: Samples of z per example.

    Returns:
        The number of examples, whose values together are at most `MAX_VALUES`.

    >>> max_batch_examples(2**16), max_batch_examples(1)
    (32, 500)
    """
    return max(1, min(MAX_BATCH_EXAMPLES, MAX_VALUES // (values * samples)))


def concat_batches(
    batches: Iterable[tuple[Tensor, ...]], count: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, ...]:
    """Concatenate the tensors of consecutive batches, in memory allocated with the first one.

    A list of small batches between large temporary blocks would fragment memory.

    Args:
        batches: Tuples of tensors [B, *], of the same types and shapes but for B.
        count: The sum of all B.
        device: The device of the result.

    Returns:
        Tensors [count, *]; none without batches.

    >>> concat_batches([(torch.zeros(2),), (torch.ones(1),)], 3)
    (tensor([0., 0., 1.]),)
    """
    results: list[Tensor] = []
    start = 0
    for batch in batches:
        if not results:
            results = [
                torch.empty((count, *tensor.shape[1:]), dtype=tensor.dtype, device=device)
                for tensor in batch
            ]
        end = start + len(batch[0])
        for result, tensor in zip(results, batch, strict=True):
            result[start:end] = tensor
        start = end
    return tuple(results)


def as_tensor(examples: np.ndarray) -> Tensor:
    """A tensor over the memory of an array.

    Args:
        examples: The array, which is copied only if it is not contiguous or not writable, or has
            unsigned integers of more than 8 bits, for which PyTorch lacks most operations: these
            become signed integers that hold all of their values.

    Returns:
        The tensor, of the same shape.

    >>> as_tensor(np.arange(3))
    tensor([0, 1, 2])
    """
    examples = examples.astype(SIGNED_TYPES.get(examples.dtype, examples.dtype), copy=False)
    return torch.from_numpy(np.require(examples, requirements=("C", "W")))


def to_model(examples: Tensor, model: nn.Module, transform: Transform) -> Tensor:
    """Raw examples as a model takes them.

    Args:
        examples: Raw examples [B, *shape].
        model: The model, whose device and precision the result has.
        transform: From raw values to model inputs.

    Returns:
        Model inputs [B, *shape].

    >>> to_model(torch.tensor([[255]]), nn.Linear(1, 1), Transform("unit", 255))
    tensor([[1.]])
    """
    parameter = next(model.parameters())
    return transform.forward(examples.to(parameter.device).to(parameter.dtype))
