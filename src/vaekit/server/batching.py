"""The queue of the server: requests that wait for the same function are computed together.

No request waits in order to be joined by others; only requests that wait anyway are joined.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from vaekit.data import Examples
from vaekit.server.http_errors import server_busy
from vaekit.server.service import Arrays
from vaekit.web import SHUTTING_DOWN


@dataclass(eq=False)
class Job:
    """A function to compute and the future of its result.

    Attributes:
        function: The function.
        examples: Its argument; None if it takes none and is called alone.
        size: Number of examples.
        result: The future that the request waits for.
    """

    function: Callable[..., Any]
    examples: Examples | None
    size: int
    result: asyncio.Future[Any]

    def joins(self, other: "Job") -> bool:
        """Whether both jobs can be computed by one call."""
        batched = self.examples is not None and other.examples is not None
        return batched and self.function == other.function


class Batcher:
    """One thread that computes, and the queue of requests that wait for it.

    Args:
        max_batch_examples: Examples of several requests in one batch; one request is never divided.
        max_queue_examples: Examples in the queue, beyond which requests get 503.
        observe: Called with the examples and the requests of every batch.
    """

    def __init__(
        self,
        max_batch_examples: int,
        max_queue_examples: int,
        observe: Callable[[int, int], None],
    ):
        self._max_batch_examples = max_batch_examples
        self._max_queue_examples = max_queue_examples
        self._observe = observe
        self._queue: deque[Job] = deque()
        self._running: list[Job] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vaekit-server")
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def queued_examples(self) -> int:
        """Examples in the queue."""
        return sum(job.size for job in self._queue)

    async def batched(self, function: Callable[[Examples], Arrays], examples: Examples) -> Arrays:
        """function(examples), possibly computed together with the examples of other requests.

        The function must treat each example independently.
        """
        return await self._enqueue(function, examples, len(examples))

    async def alone(self, function: Callable[[], Any], size: int) -> Any:
        """function(), computed alone; `size` examples of work."""
        return await self._enqueue(function, None, size)

    async def close(self, interrupted: AbstractContextManager[None]) -> None:
        """Refuse queued and new requests, and end the running batch.

        Args:
            interrupted: Entered if no request waits for the running batch any more.
        """
        self._closed = True
        while self._queue:
            _resolve(self._queue.popleft(), server_busy(SHUTTING_DOWN))
        if self._running:
            await asyncio.wait([job.result for job in self._running])
        if self._worker is not None:
            with interrupted:
                await self._worker
        self._thread.shutdown()

    async def _enqueue(
        self, function: Callable[..., Any], examples: Examples | None, size: int
    ) -> Any:
        if self._closed:
            raise server_busy(SHUTTING_DOWN)
        queued = self.queued_examples
        if self._queue and queued + size > self._max_queue_examples:
            raise server_busy(
                f"the queue is full: got {size:,} examples with {queued:,} in the queue, "
                f"expected at most {self._max_queue_examples:,} together. Try again later."
            )
        job = Job(function, examples, size, asyncio.get_running_loop().create_future())
        self._queue.append(job)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._compute_all())
        return await job.result

    async def _compute_all(self) -> None:
        """Compute batch after batch until the queue is empty."""
        loop = asyncio.get_running_loop()
        while jobs := self._next_batch():
            self._running = jobs
            self._observe(sum(job.size for job in jobs), len(jobs))
            results = await loop.run_in_executor(self._thread, _compute, jobs)
            for job, result in zip(jobs, results, strict=True):
                _resolve(job, result)
        self._running = []

    def _next_batch(self) -> list[Job]:
        """The first job that a client still waits for, and the jobs that join it."""
        batch: list[Job] = []
        rest = deque[Job]()
        room = self._max_batch_examples
        for job in self._queue:
            if job.result.done():  # the client has disconnected
                continue
            if not batch or (batch[0].joins(job) and job.size <= room):
                batch.append(job)
                room -= job.size
            else:
                rest.append(job)
        self._queue = rest
        return batch


def _resolve(job: Job, result: Any) -> None:
    """Set the result of a job, or its error."""
    if job.result.done():  # the client has disconnected
        return
    if isinstance(result, Exception):
        job.result.set_exception(result)
    else:
        job.result.set_result(result)


def _compute(jobs: list[Job]) -> list[Any]:
    """The result of each job, or its error; jobs that fail together are computed one by one."""
    try:
        if jobs[0].examples is None:
            return [jobs[0].function()]
        joined = _concat([job.examples for job in jobs if job.examples is not None])
        arrays = jobs[0].function(joined)
    except Exception as error:
        if len(jobs) == 1:
            return [error]
        return [result for job in jobs for result in _compute([job])]
    ends = np.cumsum([job.size for job in jobs])
    return [
        {name: array[end - job.size : end] for name, array in arrays.items()}
        for job, end in zip(jobs, ends, strict=True)
    ]


def _concat(parts: list[Examples]) -> Examples:
    if len(parts) == 1:
        return parts[0]
    x = np.concatenate([part.x for part in parts])
    labels = [part.y for part in parts if part.y is not None]
    return Examples(x, np.concatenate(labels) if labels else None)
