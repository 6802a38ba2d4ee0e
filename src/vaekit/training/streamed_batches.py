"""Batches out of shards, read ahead by processes of their own, shuffled in a buffer, the same ones again after a stop."""

import os
import random
import signal
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from itertools import count, islice
from typing import Any, TypeVar

import numpy as np
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from vaekit.errors import DataError, VaekitError
from vaekit.inputs import Batch, as_tensor
from vaekit.inputs.streaming import StreamedInputs
from vaekit.runtime.seeding import mix_seeds
from vaekit.training.batches import Batches, count_batches

T = TypeVar("T")


class StreamedBatches(Batches):
    """Batches of raw rows out of shards, all of the same size; an epoch has as many as its rows need, in a new order.

    Each process, and each of its readers, has shards of its own; readers take turns, a batch each, whatever their shards
    hold, so that of shards of unequal size some rows come twice in an epoch and others not. Where shards end before the epoch
    does, they are read again in another order. A place in an epoch is found again by passing over what came before it, which
    is read but not decoded.
    """

    inputs: StreamedInputs

    def __len__(self) -> int:
        return count_batches(self.inputs.epoch_examples, self.size)

    @property
    def examples_per_epoch(self) -> int:
        return len(self) * self.size

    def __iter__(self) -> Generator[Batch]:
        if self.position >= len(self):
            self.epoch, self.position = self.epoch + 1, 0
        readers = min(self.inputs.num_workers, self.inputs.shards // self.process.world_size)
        with warnings.catch_warnings(
            action="ignore", category=UserWarning
        ):  # more readers than cores: they wait for the disk
            reading = iter(
                DataLoader(
                    _Reading(self), batch_size=None, num_workers=readers, collate_fn=_as_it_is
                )
            )
        try:
            while (read := _next(reading)) is not None:
                if isinstance(read, VaekitError):
                    raise read
                self._last, x, y = read
                self.position += 1
                yield Batch(as_tensor(x), None if y is None else as_tensor(y))
        finally:
            del reading  # the readers end here and now

    def rows(self) -> list[str]:
        """The samples in the batch last given, for messages."""
        return self._last

    def read(
        self, reader: int, of: int
    ) -> Iterator[tuple[list[str], np.ndarray, np.ndarray | None]]:
        """What one reader of so many reads of the rest of the epoch: names, rows and classes, batch by batch."""
        reader = (
            self.position + reader
        ) % of  # the first is asked first, whoever's turn it was when training stopped
        turns = range(reader, len(self), of)
        done, rows = (
            sum(turn < self.position for turn in turns),
            self.size // self.process.world_size,
        )
        samples = islice(self._samples(reader, of), done * rows, len(turns) * rows)
        for part in iter(lambda: tuple(islice(samples, rows)), ()):
            yield [sample.name for sample in part], *self.inputs.decoded(part)

    def _samples(self, reader: int, of: int) -> Iterator[Any]:
        """The rows of this epoch for one reader, without end."""
        from webdataset.filters import shuffle

        number, all_readers = self.process.rank * of + reader, self.process.world_size * of
        buffer = -(-self.inputs.shuffle_buffer // of)
        empty = 0
        for turn in count():
            mine = np.random.default_rng((self.seed, self.epoch, turn)).permutation(
                self.inputs.shards
            )[number::all_readers]
            noise = random.Random(
                mix_seeds(mix_seeds(self.seed, self.epoch), turn * all_readers + number)
            )
            sample = None
            for sample in shuffle(buffer, initial=buffer, rng=noise)(self.inputs.samples(mine)):
                yield sample
            empty = 0 if sample else empty + 1
            if empty > self.inputs.shards:
                raise DataError("the shards hold no rows: look into one")


class _Reading(IterableDataset):
    """What a reader does, in the process that a DataLoader has started for it."""

    def __init__(self, batches: StreamedBatches):
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info()
        assert info is not None
        for number in (
            signal.SIGINT,
            signal.SIGTERM,
        ):  # sent to all: it is for training to stop, and for curl to go on
            signal.signal(number, signal.SIG_IGN)
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
        try:
            yield from self.batches.read(info.id, info.num_workers)
        except VaekitError as error:  # raised in a reader it would come wrapped in its traceback
            yield DataError(str(error))


def _end_with(parent: int) -> None:
    """End this process when its parent has died: else it would wait for ever for somebody to take its batch."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _next(reading: Iterator[T]) -> T | None:
    """The next batch, or None behind the last."""
    try:
        return next(reading, None)
    except RuntimeError as error:
        if "worker" not in str(error):
            raise
        raise DataError(
            "a process that reads shards has died, perhaps for want of memory: go on with --resume, or begin with a smaller "
            "data.shuffle_buffer or fewer data.num_workers"
        ) from None


def _as_it_is(read: Any) -> Any:
    """Arrays stay arrays, which come by a pipe; tensors would need shared memory, of which containers have little."""
    return read
