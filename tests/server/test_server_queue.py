"""The queue: what waits is bounded, what has gone is forgotten, and nothing waits for ever."""

import asyncio
import threading
from contextlib import nullcontext

import httpx
import numpy as np
import pytest
from server_client import ask_all, figures, sent

from vaekit.data import Examples
from vaekit.server import Facts, Limits, app, messages
from vaekit.server.app import LARGE, create
from vaekit.server.batching import Batcher
from vaekit.server.http_errors import HTTPError
from vaekit.web import LOOPBACK


def rows(*values: float) -> Examples:
    return Examples(np.array(values)[:, None])


class Slow:
    """Functions that wait until they are let go, and what they were called with."""

    def __init__(self):
        self.go, self.began = threading.Event(), threading.Event()
        self.calls: list[list[float]] = []

    def double(self, some: Examples) -> dict[str, np.ndarray]:
        self.calls.append(some.x[:, 0].tolist())
        self.began.set()
        assert self.go.wait(20)
        if (some.x < 0).any():
            raise ValueError("negative")
        return {"twice": 2 * some.x}

    def other(self, some: Examples) -> dict[str, np.ndarray]:
        self.calls.append(some.x[:, 0].tolist())
        return {"same": some.x}

    def lone(self) -> str:
        self.calls.append([])
        return "alone"


def run_queue(slow: Slow, scenario, max_batch_examples: int = 100, rows_waiting: int = 100):
    """A scenario with a batcher whose thread is busy with a first row, 0."""

    async def main():
        batcher = Batcher(max_batch_examples, rows_waiting, lambda *_: None)
        first = asyncio.create_task(batcher.together(slow.double, rows(0)))
        await asyncio.to_thread(slow.began.wait, 20)
        try:
            found = await scenario(batcher)
            assert (await first)["twice"].tolist() == [[0]]
            return found
        finally:
            slow.go.set()
            await batcher.close(nullcontext())

    return asyncio.run(main())


def test_what_waits_for_the_same_is_computed_together():
    slow = Slow()

    async def scenario(batcher):
        asked = [
            batcher.together(slow.double, rows(1, 2)),
            batcher.together(slow.other, rows(3)),
            batcher.alone(slow.lone, 1),
            batcher.together(slow.double, rows(4)),
            batcher.together(slow.other, rows(5)),
        ]
        tasks = [asyncio.create_task(one) for one in asked]
        await asyncio.sleep(0)
        assert batcher.deferred == 6
        slow.go.set()
        return await asyncio.gather(*tasks)

    found = run_queue(slow, scenario)
    assert found[0]["twice"].tolist() == [[2], [4]] and found[3]["twice"].tolist() == [[8]]
    assert found[1]["same"].tolist() == [[3]] and found[4]["same"].tolist() == [[5]]
    assert found[2] == "alone"
    assert slow.calls == [[0], [1, 2, 4], [3, 5], []]


def test_who_has_gone_is_not_computed():
    slow = Slow()

    async def scenario(batcher):
        tasks = [asyncio.create_task(batcher.together(slow.double, rows(k))) for k in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        slow.go.set()
        return await asyncio.gather(tasks[0], tasks[2])

    assert [one["twice"].tolist() for one in run_queue(slow, scenario)] == [[[2]], [[6]]]
    assert slow.calls == [[0], [1, 3]]


def test_what_fails_together_is_tried_alone():
    slow = Slow()

    async def scenario(batcher):
        tasks = [asyncio.create_task(batcher.together(slow.double, rows(k))) for k in (1, -1, 2)]
        await asyncio.sleep(0)
        slow.go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    good, bad, other = run_queue(slow, scenario)
    assert good["twice"].tolist() == [[2]] and other["twice"].tolist() == [[4]]
    assert isinstance(bad, ValueError)


def test_a_full_queue_refuses():
    slow = Slow()

    async def scenario(batcher):
        waiting = asyncio.create_task(batcher.together(slow.double, rows(*range(9))))
        await asyncio.sleep(0)
        with pytest.raises(HTTPError, match="9 rows are waiting, at most 10 may") as refusal:
            await batcher.together(slow.double, rows(1, 2))
        fits = asyncio.create_task(batcher.together(slow.double, rows(1)))
        await asyncio.sleep(0)
        slow.go.set()
        await asyncio.gather(waiting, fits)
        return refusal.value

    refusal = run_queue(slow, scenario, rows_waiting=10)
    assert (refusal.status, refusal.headers) == (503, {"Retry-After": "1"})


def test_closing_ends_what_is_computed_and_refuses_the_rest():
    slow = Slow()

    async def scenario(batcher):
        waiting = asyncio.create_task(batcher.together(slow.double, rows(1)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(batcher.close(nullcontext()))
        await asyncio.sleep(0)
        with pytest.raises(HTTPError, match="shutting down"):
            await waiting
        with pytest.raises(HTTPError, match="shutting down"):
            await batcher.together(slow.double, rows(1))
        slow.go.set()
        await closing

    run_queue(slow, scenario)
    assert slow.calls == [[0]]


class Stuck(Slow):
    """A model that decodes when it is let go."""

    scores = ("bound",)
    facts = Facts("stuck", "none", (1,), "real", 1, (), 0, "0")

    def codes(self, z, y):
        return Examples(z)

    def decode(self, codes):
        return {"x": self.double(codes)["twice"]}


def test_no_answer_in_time_and_a_full_queue_over_http():
    stuck = Stuck()
    server = create(stuck, Limits(seconds=1, rows_waiting=2), LOOPBACK)  # type: ignore[arg-type]
    timer = threading.Timer(2, stuck.go.set)
    timer.start()
    found = ask_all(server, [("POST", "/v1/decode", sent({"z": [[k]]})) for k in range(5)])
    timer.join()
    statuses = [response.status_code for response in found]
    assert sorted(statuses) in (
        [503, 503, 503, 504, 504],
        [503, 503, 504, 504, 504],
    )  # two in the queue; in the thread, one
    assert all(
        response.headers["retry-after"] == "1" for response in found if response.status_code == 503
    )
    assert figures(server)["vaekit_rows_waiting"] == 0


def test_others_are_answered_while_a_large_body_is_read(monkeypatch):
    """Not only beside it but within: a number of it is made when the other request has had its answer."""
    stuck, answered = Stuck(), threading.Event()
    stuck.go.set()

    def real(text: str) -> float:
        assert answered.wait(20)
        return float(text)

    async def main() -> list[int]:
        transport = httpx.ASGITransport(create(stuck, Limits(), LOOPBACK))  # type: ignore[arg-type]
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", timeout=60
        ) as client:
            body = b" " * LARGE + b'{"z": [[0.5]]}'
            large = asyncio.create_task(
                client.post(
                    "/v1/decode", content=body, headers={"content-type": "application/json"}
                )
            )
            await asyncio.sleep(0)
            health = await client.get("/health")
            answered.set()
            return [health.status_code, (await large).status_code]

    monkeypatch.setattr(messages, "_real", real)
    assert asyncio.run(main()) == [200, 200]


def test_others_are_answered_while_a_large_answer_is_written(monkeypatch):
    stuck, answered = Stuck(), threading.Event()
    stuck.go.set()

    def written(*given) -> bytes:
        assert answered.wait(20)
        return messages.write(*given)

    async def main() -> list[int]:
        transport = httpx.ASGITransport(create(stuck, Limits(), LOOPBACK))  # type: ignore[arg-type]
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", timeout=60
        ) as client:
            large = asyncio.create_task(client.post("/v1/decode", json={"z": [[0.5]]}))
            await asyncio.to_thread(stuck.began.wait, 20)
            await asyncio.sleep(0.1)
            health = await client.get("/health")
            answered.set()
            return [health.status_code, (await large).status_code]

    monkeypatch.setattr(app, "LARGE", 1)
    monkeypatch.setattr(app, "write", written)
    assert asyncio.run(main()) == [200, 200]


def test_a_body_that_does_not_come():
    async def slowly():
        yield b"{"
        await asyncio.sleep(20)

    server = create(Stuck(), Limits(seconds=1), LOOPBACK)  # type: ignore[arg-type]
    request = {"content": slowly(), "headers": {"content-type": "application/json"}}
    (found,) = ask_all(server, [("POST", "/v1/decode", request)])
    assert found.status_code == 408 and found.headers["connection"] == "close"
