"""Inputs that are streamed from shards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vaekit.data import check_compatible
from vaekit.data.readers.shards import Sample, Shards, decode_samples
from vaekit.data.support import Support
from vaekit.errors import DataError
from vaekit.inputs.model_inputs import ModelInputs

MAX_SHOWN_CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class StreamedInputs(ModelInputs):
    """Inputs whose training examples are streamed from shards; held-out examples are in memory.

    Attributes:
        stream: The shards.
        epoch_examples: The number of examples of an epoch.
        shuffle_buffer: The number of examples that are shuffled at a time.
        num_workers: The number of processes that read shards.
        support: The support that all examples must have.
        classes: The class names that labels must have.
    """

    stream: Shards
    epoch_examples: int
    shuffle_buffer: int
    num_workers: int
    support: Support
    classes: tuple[str, ...]

    def to_device_if_fits(self, device: torch.device) -> "StreamedInputs":
        """These inputs: streamed examples do not stay in memory."""
        return self

    @property
    def shards(self) -> int:
        """The number of shards."""
        return len(self.stream)

    def samples(self, order: np.ndarray) -> Iterator[Sample]:
        """The samples of the shards with these indices, not decoded."""
        return self.stream.samples(order)

    def decoded(self, samples: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray | None]:
        """Decode samples.

        Returns:
            Raw examples and, for a conditional model, their class indices.

        Raises:
            DataError: A sample is damaged or does not suit the model; the message names it.
        """
        shape = self.x.shape[1:]
        x = decode_samples(samples, self.stream.options, shape[0])
        self._check_examples(x, samples)
        y = None if self.y is None else np.array([self._class_index(each) for each in samples])
        return x, y

    def _check_examples(self, x: np.ndarray, samples: Sequence[Sample]) -> None:
        """DataError for the first example that does not suit the model."""
        shape = self.x.shape[1:]
        try:
            check_compatible(x, shape, self.support, repr(samples[0].name))
        except DataError:
            for sample, example in zip(samples, x, strict=True):
                check_compatible(example[None], shape, self.support, repr(sample.name))
            raise

    def _class_index(self, sample: Sample) -> int:
        if sample.label not in self.classes:
            known = ", ".join(self.classes[:MAX_SHOWN_CLASSES])
            raise DataError(
                f"unknown class of {sample.name!r}: got {sample.label!a}, expected a class of the "
                f"held-out examples ({known}). Put all classes into the last shard, or into the "
                "test examples.",
                parameter="data",
            )
        return self.classes.index(sample.label)
