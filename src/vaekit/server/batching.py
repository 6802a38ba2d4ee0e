"""Requests that wait are computed together: nobody is made to wait for company, who waits anyway has it."""

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
from vaekit.web import ENDING


@dataclass(eq=False)
class Job:
    """A function, the rows that it takes (None: it takes nothing, and is called on its own), and who waits for the result."""

    function: Callable[..., Any]
    rows: Examples | None
    size: int
    result: asyncio.Future[Any]

    def joins(self, other: "Job") -> bool:
        return self.rows is not None and other.rows is not None and self.function == other.function


class Batcher:
    """One thread that computes. While it does, requests queue; then the first takes along all that want the same of it.

    rows_at_once: of several requests together; one request is never divided here. rows_waiting: in the queue, beyond which
    requests are refused with 503. observe: told the rows and the requests of every batch.
    """

    def __init__(
        self, max_batch_examples: int, rows_waiting: int, observe: Callable[[int, int], None]
    ):
        self._rows_at_once, self._rows_waiting, self._observe = (
            max_batch_examples,
            rows_waiting,
            observe,
        )
        self._queue: deque[Job] = deque()
        self._computed: list[Job] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vaekit-server")
        self._emptying: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """Rows in the queue."""
        return sum(job.size for job in self._queue)

    async def together(self, function: Callable[[Examples], Arrays], rows: Examples) -> Arrays:
        """function(rows), where it treats each row by itself: it may be given those of other requests as well."""
        return await self._queued(function, rows, len(rows))

    async def alone(self, function: Callable[[], Any], size: int) -> Any:
        """function(), by itself; `size` rows of work."""
        return await self._queued(function, None, size)

    async def close(self, stopped: AbstractContextManager[None]) -> None:
        """Refuse what waits and what comes; what is being computed ends, or is `stopped` where nobody waits for it any more."""
        self._closed = True
        while self._queue:
            _settle(self._queue.popleft(), server_busy(ENDING))
        if self._computed:
            await asyncio.wait([job.result for job in self._computed])
        if self._emptying is not None:
            with stopped:
                await self._emptying
        self._thread.shutdown()

    async def _queued(self, function: Callable[..., Any], rows: Examples | None, size: int) -> Any:
        if self._closed:
            raise server_busy(ENDING)
        if self._queue and self.waiting + size > self._rows_waiting:
            raise server_busy(
                f"{self.waiting:,} rows are waiting, at most {self._rows_waiting:,} may: try again later"
            )
        job = Job(function, rows, size, asyncio.get_running_loop().create_future())
        self._queue.append(job)
        if self._emptying is None or self._emptying.done():
            self._emptying = asyncio.create_task(self._empty())
        return await job.result

    async def _empty(self) -> None:
        """Compute batch after batch until nothing waits."""
        loop = asyncio.get_running_loop()
        while jobs := self._next():
            self._computed = jobs
            self._observe(sum(job.size for job in jobs), len(jobs))
            results = await loop.run_in_executor(self._thread, _compute, jobs)
            for job, result in zip(jobs, results, strict=True):
                _settle(job, result)
        self._computed = []

    def _next(self) -> list[Job]:
        """The first job that somebody still waits for, and those that join it as far as there is room."""
        self._queue = deque(job for job in self._queue if not job.result.done())
        taken, left, room = [], deque[Job](), self._rows_at_once
        for job in self._queue:
            if not taken or (taken[0].joins(job) and job.size <= room):
                taken.append(job)
                room -= job.size
            else:
                left.append(job)
        self._queue = left
        return taken


def _settle(job: Job, result: Any) -> None:
    if job.result.done():  # whoever waited has gone
        return
    if isinstance(result, Exception):
        job.result.set_exception(result)
    else:
        job.result.set_result(result)


def _compute(jobs: list[Job]) -> list[Any]:
    """The result of each job or what it raised; where they fail together, each on its own."""
    try:
        if jobs[0].rows is None:
            return [jobs[0].function()]
        found = jobs[0].function(_joined([job.rows for job in jobs if job.rows is not None]))
    except Exception as error:
        return [error] if len(jobs) == 1 else [result for job in jobs for result in _compute([job])]
    ends = np.cumsum([job.size for job in jobs])
    return [
        {name: part[end - job.size : end] for name, part in found.items()}
        for job, end in zip(jobs, ends, strict=True)
    ]


def _joined(parts: list[Examples]) -> Examples:
    if len(parts) == 1:
        return parts[0]
    classes = [rows.y for rows in parts if rows.y is not None]
    return Examples(
        np.concatenate([rows.x for rows in parts]), np.concatenate(classes) if classes else None
    )
