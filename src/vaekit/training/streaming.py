"""Batches out of shards, read ahead by processes of their own, shuffled in a buffer, the same ones again after a stop."""

import random
import warnings
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from vaekit.data.dataset import require
from vaekit.data.shards import Sample, decoded
from vaekit.errors import DataError, VaekitError
from vaekit.inputs import Batch, Streamed, as_tensor
from vaekit.noise import mix
from vaekit.training.batches import Batches


class StreamedBatches(Batches):
    """Batches of raw rows out of shards; an epoch is as many rows as it is said to be, out of the shards in a new order.

    Each process, and each of its readers, has shards of its own; readers take turns, a batch each. Where shards end before the
    epoch does, they are read again in another order. A place in an epoch is found again by passing over what came before it,
    which is read but not decoded.
    """

    inputs: Streamed

    def __len__(self) -> int:
        return max(1, self.inputs.epoch_rows // self.size)

    @property
    def rows_per_epoch(self) -> int:
        return len(self) * self.size

    def __iter__(self) -> Iterator[Batch]:
        if self.position >= len(self):
            self.epoch, self.position = self.epoch + 1, 0
        readers = min(self.inputs.readers, len(self.inputs.stream.places) // self.share.of)
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # more readers than cores: they wait for the disk
            reading = iter(DataLoader(_Reading(self), batch_size=None, num_workers=readers, collate_fn=_as_it_is))
        for read in reading:
            if isinstance(read, VaekitError):
                raise read
            self._last, x, y = read
            self.position += 1
            yield Batch(as_tensor(x), None if y is None else as_tensor(y))

    def rows(self) -> list[str]:
        """The samples in the batch last given, for messages."""
        return self._last

    def read(self, reader: int, of: int) -> Iterator[tuple[list[str], np.ndarray, np.ndarray | None]]:
        """What one reader of so many reads of the rest of the epoch: names, rows and classes, batch by batch."""
        reader = (self.position + reader) % of  # the first is asked first, whoever's turn it was when training stopped
        turns = range(reader, len(self), of)
        done, rows = sum(turn < self.position for turn in turns), self.size // self.share.of
        samples = islice(self._samples(reader, of), done * rows, len(turns) * rows)
        for part in iter(lambda: tuple(islice(samples, rows)), ()):
            yield self._decoded(part)

    def _samples(self, reader: int, of: int) -> Iterator[Sample]:
        """The rows of this epoch for one reader, without end."""
        from webdataset.filters import shuffle

        stream, number, all_readers = self.inputs.stream, self.share.rank * of + reader, self.share.of * of
        buffer = -(-self.inputs.buffer // of)
        for turn in count():
            mine = np.random.default_rng((self.seed, self.epoch, turn)).permutation(len(stream.places))[number::all_readers]
            noise = random.Random(mix(mix(self.seed, self.epoch), turn * all_readers + number))
            sample = None
            for sample in shuffle(buffer, initial=buffer, rng=noise)(stream.samples(mine)):
                yield sample
            if sample is None:
                raise DataError(f"{stream.places[mine[0]]!r} and the other {len(mine) - 1} shards hold no rows: look into one")

    def _decoded(self, samples: tuple[Sample, ...]) -> tuple[list[str], np.ndarray, np.ndarray | None]:
        inputs, shape = self.inputs, self.inputs.x.shape[1:]
        x = decoded(samples, inputs.stream.resize, shape[0])
        require(x, shape, inputs.support, repr(samples[0].name))
        y = None if inputs.y is None else np.array([self._class(sample) for sample in samples])
        return [sample.name for sample in samples], x, y

    def _class(self, sample: Sample) -> int:
        if sample.label not in self.inputs.classes:
            known = ", ".join(self.inputs.classes[:10])
            raise DataError(f"{sample.name!r} has the class {sample.label!a}, the rows set aside have {known}")
        return self.inputs.classes.index(sample.label)


class _Reading(IterableDataset):
    """What a reader does, in the process that a DataLoader has started for it."""

    def __init__(self, batches: StreamedBatches):
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        assert info is not None
        try:
            yield from self.batches.read(info.id, info.num_workers)
        except VaekitError as error:  # raised in a reader it would come wrapped in its traceback
            yield error


def _as_it_is(read: Any) -> Any:
    """Arrays stay arrays, which come by a pipe; tensors would need shared memory, of which containers have little."""
    return read
