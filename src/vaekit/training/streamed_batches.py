"""Batches from shards: read ahead by workers, shuffled in a buffer, equal after resuming."""

import os
import random
import signal
import threading
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from itertools import count, islice
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from vaekit.errors import DataError, VaekitError
from vaekit.inputs import Batch, as_tensor
from vaekit.inputs.streaming import StreamedInputs
from vaekit.runtime.seeding import mix_seeds
from vaekit.training.batches import Batches, count_batches


class ReadBatch(NamedTuple):
    """A batch as a worker reads it.

    Attributes:
        names: Names of the samples, for messages.
        x: Raw examples.
        y: Class indices, or None.
    """

    names: list[str]
    x: np.ndarray
    y: np.ndarray | None


class StreamedBatches(Batches):
    """Batches of raw examples from shards, all of one size, in another order each epoch.

    Each worker of each process reads shards of its own; workers take turns, one batch each,
    whatever their shards contain: from shards of unequal size some examples occur twice in an
    epoch and others not at all. If shards end before the epoch, they are read again in another
    order. Resuming within an epoch reads over the earlier batches without decoding them.
    """

    inputs: StreamedInputs

    def __len__(self) -> int:
        return count_batches(self.inputs.epoch_examples, self.size)

    @property
    def examples_per_epoch(self) -> int:
        """The examples of an epoch, over all processes."""
        return len(self) * self.size

    def __iter__(self) -> Generator[Batch]:
        self._begin_epoch()
        batches = self._read_ahead()
        try:
            while (batch := _next_batch(batches)) is not None:
                if isinstance(batch, VaekitError):
                    raise batch
                self._names = batch.names
                self.position += 1
                yield Batch(as_tensor(batch.x), None if batch.y is None else as_tensor(batch.y))
        finally:
            del batches  # ends the workers

    def current_examples(self) -> Sequence[str]:
        """Names of the samples in the batch that was yielded last, for messages."""
        return self._names

    def read(self, worker: int, workers: int) -> Iterator[ReadBatch]:
        """Read the batches of one worker for the rest of the epoch.

        Args:
            worker: Its number, from 0.
            workers: The number of workers.
        """
        # The first worker is asked first, whoever was next when training stopped.
        worker = (self.position + worker) % workers
        turns = range(worker, len(self), workers)
        turns_done = sum(turn < self.position for turn in turns)
        size = self.size // self.process.world_size
        samples = self._samples(worker, workers)
        remaining = islice(samples, turns_done * size, len(turns) * size)
        while batch := list(islice(remaining, size)):
            x, y = self.inputs.decoded(tuple(batch))
            yield ReadBatch([sample.name for sample in batch], x, y)

    def _read_ahead(self) -> Iterator[ReadBatch | DataError]:
        """The batches of all workers in turn."""
        shards_per_process = self.inputs.shards // self.process.world_size
        # The warning: more workers than cores, which wait for the disk anyway.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            loader = DataLoader(
                _WorkerDataset(self),
                batch_size=None,
                num_workers=min(self.inputs.num_workers, shards_per_process),
                collate_fn=_keep_arrays,
            )
            return iter(loader)

    def _samples(self, worker: int, workers: int) -> Iterator[Any]:
        """The samples of this epoch for one worker, without end."""
        from webdataset.filters import shuffle

        number = self.process.rank * workers + worker
        all_workers = self.process.world_size * workers
        buffer = -(-self.inputs.shuffle_buffer // workers)
        passes_without_samples = 0
        for number_of_pass in count():
            order = np.random.default_rng((self.seed, self.epoch, number_of_pass))
            shards = order.permutation(self.inputs.shards)[number::all_workers]
            seed = mix_seeds(self.seed, self.epoch)
            noise = random.Random(mix_seeds(seed, number_of_pass * all_workers + number))

            sample = None
            samples = self.inputs.samples(shards)
            for sample in shuffle(buffer, initial=buffer, rng=noise)(samples):
                yield sample

            passes_without_samples = 0 if sample else passes_without_samples + 1
            if passes_without_samples > self.inputs.shards:
                raise DataError(
                    "the shards contain no examples. Check the names of their members.",
                    parameter="data.source",
                )


class _WorkerDataset(IterableDataset):
    """The work of one worker process of a DataLoader."""

    def __init__(self, batches: StreamedBatches):
        self.batches = batches

    def __iter__(self) -> Iterator[ReadBatch | DataError]:
        info = get_worker_info()
        assert info is not None
        # Signals reach all processes: training stops, and its downloads continue until then.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
        try:
            yield from self.batches.read(info.id, info.num_workers)
        except VaekitError as error:
            # Raised in a worker, it would arrive wrapped in a traceback.
            yield DataError(str(error), parameter=error.parameter)


def _exit_with_parent(parent: int) -> None:
    """Exit when the parent has died; otherwise the worker would wait forever."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _next_batch(batches: Iterator[Any]) -> Any:
    """The next batch, or None after the last."""
    try:
        return next(batches, None)
    except RuntimeError as error:
        if "worker" not in str(error):
            raise
        raise DataError(
            "a worker process that reads shards has died, perhaps for lack of memory. "
            "Resume the run, or use a smaller data.shuffle_buffer or fewer data.num_workers.",
            parameter="data.num_workers",
        ) from None


def _keep_arrays(batch: Any) -> Any:
    """Arrays are sent through a pipe; tensors need shared memory, which containers limit."""
    return batch
