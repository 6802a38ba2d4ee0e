"""The queue is bounded, forgets disconnected clients, and every wait ends."""

import asyncio
import threading
from contextlib import nullcontext

import numpy as np
import pytest
from server_client import JSON, as_request, ask_all, client, metrics, npy

from vaekit.data import Examples
from vaekit.server import Facts, Limits, app, codec
from vaekit.server.app import LARGE, create
from vaekit.server.batching import Batcher
from vaekit.server.http_errors import HTTPError
from vaekit.web import LOOPBACK

pytestmark = pytest.mark.slow


def examples(*values: float) -> Examples:
    return Examples(np.array(values)[:, None])


class Slow:
    """Functions that wait until they are released, and record their arguments."""

    def __init__(self):
        self.release = threading.Event()
        self.began = threading.Event()
        self.calls: list[list[float]] = []

    def double(self, batch: Examples) -> dict[str, np.ndarray]:
        self.calls.append(batch.x[:, 0].tolist())
        self.began.set()
        assert self.release.wait(20)
        if (batch.x < 0).any():
            raise ValueError("negative")
        return {"double": 2 * batch.x}

    def identity(self, batch: Examples) -> dict[str, np.ndarray]:
        self.calls.append(batch.x[:, 0].tolist())
        return {"same": batch.x}

    def alone(self) -> str:
        self.calls.append([])
        return "alone"


def run_queue(slow: Slow, scenario, max_batch_examples: int = 100, max_queue_examples: int = 100):
    """A scenario with a batcher whose thread is busy with a first example, 0."""

    async def main():
        batcher = Batcher(max_batch_examples, max_queue_examples, lambda *_: None)
        first = asyncio.create_task(batcher.batched(slow.double, examples(0)))
        await asyncio.to_thread(slow.began.wait, 20)
        try:
            result = await scenario(batcher)
            assert (await first)["double"].tolist() == [[0]]
            return result
        finally:
            slow.release.set()
            await batcher.close(nullcontext())

    return asyncio.run(main())


def test_queued_requests_for_the_same_function_are_computed_together():
    slow = Slow()

    async def scenario(batcher):
        requests = [
            batcher.batched(slow.double, examples(1, 2)),
            batcher.batched(slow.identity, examples(3)),
            batcher.alone(slow.alone, 1),
            batcher.batched(slow.double, examples(4)),
            batcher.batched(slow.identity, examples(5)),
        ]
        tasks = [asyncio.create_task(request) for request in requests]
        await asyncio.sleep(0)
        assert batcher.queued_examples == 6
        slow.release.set()
        return await asyncio.gather(*tasks)

    results = run_queue(slow, scenario)
    assert results[0]["double"].tolist() == [[2], [4]]
    assert results[1]["same"].tolist() == [[3]]
    assert results[2] == "alone"
    assert results[3]["double"].tolist() == [[8]]
    assert results[4]["same"].tolist() == [[5]]
    assert slow.calls == [[0], [1, 2, 4], [3, 5], []]


def test_a_batch_has_at_most_the_allowed_examples():
    slow = Slow()

    async def scenario(batcher):
        parts = [examples(1, 2), examples(3, 4), examples(5), examples(6, 7, 8, 9)]
        tasks = [asyncio.create_task(batcher.batched(slow.double, part)) for part in parts]
        await asyncio.sleep(0)
        slow.release.set()
        return await asyncio.gather(*tasks)

    results = run_queue(slow, scenario, max_batch_examples=3)
    assert [len(result["double"]) for result in results] == [2, 2, 1, 4]
    assert slow.calls == [[0], [1, 2, 5], [3, 4], [6, 7, 8, 9]]


def test_requests_of_disconnected_clients_are_not_computed():
    slow = Slow()

    async def scenario(batcher):
        tasks = [asyncio.create_task(batcher.batched(slow.double, examples(k))) for k in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        slow.release.set()
        return await asyncio.gather(tasks[0], tasks[2])

    results = run_queue(slow, scenario)
    assert [result["double"].tolist() for result in results] == [[[2]], [[6]]]
    assert slow.calls == [[0], [1, 3]]


def test_requests_that_fail_together_are_computed_one_by_one():
    slow = Slow()

    async def scenario(batcher):
        tasks = [asyncio.create_task(batcher.batched(slow.double, examples(k))) for k in (1, -1, 2)]
        await asyncio.sleep(0)
        slow.release.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, failed, last = run_queue(slow, scenario)
    assert first["double"].tolist() == [[2]]
    assert last["double"].tolist() == [[4]]
    assert isinstance(failed, ValueError)


def test_a_full_queue_refuses():
    slow = Slow()

    async def scenario(batcher):
        queued = asyncio.create_task(batcher.batched(slow.double, examples(*range(9))))
        await asyncio.sleep(0)
        with pytest.raises(HTTPError) as refusal:
            await batcher.batched(slow.double, examples(1, 2))
        fitting = asyncio.create_task(batcher.batched(slow.double, examples(1)))
        await asyncio.sleep(0)
        slow.release.set()
        await asyncio.gather(queued, fitting)
        return refusal.value

    refusal = run_queue(slow, scenario, max_queue_examples=10)
    assert (refusal.status, refusal.headers) == (503, {"Retry-After": "1"})


def test_closing_ends_the_running_batch_and_refuses_the_rest():
    slow = Slow()

    async def scenario(batcher):
        queued = asyncio.create_task(batcher.batched(slow.double, examples(1)))
        await asyncio.sleep(0)
        closing = asyncio.create_task(batcher.close(nullcontext()))
        await asyncio.sleep(0)
        statuses = []
        for request in (queued, batcher.batched(slow.double, examples(1))):
            with pytest.raises(HTTPError) as refusal:
                await request
            statuses.append(refusal.value.status)
        slow.release.set()
        await closing
        return statuses

    assert run_queue(slow, scenario) == [503, 503]
    assert slow.calls == [[0]]


class Stuck(Slow):
    """A service whose `decode` waits until it is released."""

    scores = ("bound",)

    def __init__(self, size: int = 1):
        super().__init__()
        self.facts = Facts(
            recipe="stuck",
            data="none",
            shape=(size,),
            support="real",
            latent_dim=1,
            classes=(),
            positions=0,
            version="0",
        )

    def check_latents(self, z, y):
        return Examples(z)

    def decode(self, latents):
        return {"x": np.repeat(self.double(latents)["double"], self.facts.shape[0], axis=1)}


def stuck_server(stuck: Stuck, **limits):
    return create(stuck, Limits(**limits), LOOPBACK)  # type: ignore[arg-type]


def test_timeouts_and_a_full_queue_over_http():
    stuck = Stuck()
    server = stuck_server(stuck, timeout_seconds=1, max_queue_examples=2)
    timer = threading.Timer(2, stuck.release.set)
    timer.start()
    requests = [("POST", "/v1/decode", as_request({"z": [[k]]})) for k in range(5)]
    responses = ask_all(server, requests)
    timer.join()
    statuses = sorted(response.status_code for response in responses)
    # Two requests are in the queue, and one may be in the thread.
    assert statuses in ([503, 503, 503, 504, 504], [503, 503, 504, 504, 504])
    for response in responses:
        assert (response.headers.get("retry-after") == "1") == (response.status_code == 503)
    assert metrics(server)["vaekit_queue_examples"] == 0


def test_other_requests_are_answered_while_a_large_body_is_read(monkeypatch):
    """A number of the large body is parsed only after the other request has its answer."""
    stuck = Stuck()
    stuck.release.set()
    answered = threading.Event()

    def parse_float(text: str) -> float:
        assert answered.wait(20)
        return float(text)

    async def main() -> list[int]:
        async with client(stuck_server(stuck)) as one:
            body = b" " * LARGE + b'{"z": [[0.5]]}'
            large = asyncio.create_task(one.post("/v1/decode", content=body, headers=JSON))
            await asyncio.sleep(0)
            health = await one.get("/health")
            answered.set()
            return [health.status_code, (await large).status_code]

    monkeypatch.setattr(codec, "_parse_float", parse_float)
    assert asyncio.run(main()) == [200, 200]


def test_other_requests_are_answered_while_a_large_answer_is_written(monkeypatch):
    stuck = Stuck(size=LARGE)
    stuck.release.set()
    writing = threading.Event()
    answered = threading.Event()

    def write(arrays, media: str) -> bytes:
        writing.set()
        assert answered.wait(20)
        return codec.write_response(arrays, media)

    async def main() -> list[int]:
        async with client(stuck_server(stuck)) as one:
            request = as_request(np.array([[0.5]]))
            large = asyncio.create_task(one.post("/v1/decode", **request))
            await asyncio.to_thread(writing.wait, 20)
            health = await one.get("/health")
            answered.set()
            response = await large
            assert response.content == npy(np.ones((1, LARGE)))
            return [health.status_code, response.status_code]

    monkeypatch.setattr(app, "write_response", write)
    assert asyncio.run(main()) == [200, 200]


def test_a_body_that_is_never_complete():
    async def slowly():
        yield b"{"
        await asyncio.sleep(20)

    server = stuck_server(Stuck(), timeout_seconds=1)
    request = {"content": slowly(), "headers": JSON}
    (response,) = ask_all(server, [("POST", "/v1/decode", request)])
    assert response.status_code == 408
    assert response.headers["connection"] == "close"
