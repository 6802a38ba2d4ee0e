"""Rows that lie in shards, on their way into a model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vaekit.data.dataset import check_compatible
from vaekit.data.readers.shards import Sample, Shards, decoded
from vaekit.data.support import Support
from vaekit.errors import DataError
from vaekit.inputs.model_inputs import ModelInputs


@dataclass(frozen=True, kw_only=True)
class StreamedInputs(ModelInputs):
    """Rows that lie in shards, of which some, set aside, are here.

    epoch_examples: how many are called an epoch. shuffle_buffer: how many are shuffled at a time. num_workers: processes that read them.
    support, classes: what they must have.
    """

    stream: Shards
    epoch_examples: int
    shuffle_buffer: int
    num_workers: int
    support: Support
    classes: tuple[str, ...]

    def to_device_if_fits(self, device: torch.device) -> "StreamedInputs":
        return self

    @property
    def shards(self) -> int:
        """How many there are."""
        return len(self.stream.places)

    def samples(self, order: np.ndarray) -> Iterator[Sample]:
        """The rows of the shards with these numbers, not decoded."""
        return self.stream.samples(order)

    def decoded(self, samples: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray | None]:
        """Raw rows and, for a conditional model, their classes; DataError, which names the row, for what does not suit."""
        shape = self.x.shape[1:]
        x = decoded(samples, self.stream.resize, shape[0])
        try:
            check_compatible(x, shape, self.support, repr(samples[0].name))
        except DataError:
            for sample, row in zip(samples, x, strict=True):
                check_compatible(
                    row[None], shape, self.support, repr(sample.name)
                )  # names the one at fault
            raise
        return x, None if self.y is None else np.array([self._class(sample) for sample in samples])

    def _class(self, sample: Sample) -> int:
        if sample.label not in self.classes:
            known = ", ".join(self.classes[:10])
            raise DataError(
                f"{sample.name!r} has the class {sample.label!a}, the rows set aside have {known}: have all classes in the "
                "last shard, or in the rows of --test"
            )
        return self.classes.index(sample.label)
