"""The end of a server, and idle connections: no client holds the server for ever."""

import asyncio
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from server_client import check_error, parse_metrics, running

from vaekit.errors import Interrupted
from vaekit.web import LOOPBACK, SHUTTING_DOWN, Guard
from vaekit.workflows.serve import RunService

HEAD = (
    b"POST /v1/decode HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE_BYTES = 50_000_000

SLOW_SCORES = """
import json
import time
from pathlib import Path

from vaekit.runs import load_run
from vaekit.server import Limits
from vaekit.server.app import create
from vaekit.web import LOOPBACK, serve_app
from vaekit.workflows.serve import RunService


class SlowScores(RunService):
    def score(self, *arguments):
        Path({folder!r}, "began").touch()
        while not Path({folder!r}, "release").exists():
            super().score(*arguments)
            time.sleep(0.01)
        return super().score(*arguments)


def ready(address):
    print(json.dumps({{"address": address}}, indent=1), flush=True)


serve_app(
    lambda: create(SlowScores(load_run({run!r})), Limits(), LOOPBACK),
    "127.0.0.1",
    0,
    ready=ready,
    shutdown_seconds={shutdown_seconds},
)
"""
"""A server whose scores begin by writing a file, and end when another file exists."""

LARGE_ANSWER = """
import json

from vaekit.web import serve_app


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({{"type": "lifespan.startup.complete"}})
        return await send({{"type": "lifespan.shutdown.complete"}})
    body = bytes(10 if scope["path"] == "/small" else {size})
    headers = [(b"content-length", str(len(body)).encode())]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": body}})


def ready(address):
    print(json.dumps({{"address": address}}, indent=1), flush=True)


serve_app(
    lambda: app, "127.0.0.1", 0, ready=ready, idle_seconds={idle_seconds}, shutdown_seconds=1
)
"""
"""A server of one large answer, without a run."""


def slow_scores(run, folder, shutdown_seconds: float) -> str:
    return SLOW_SCORES.format(
        run=str(run.path), folder=str(folder), shutdown_seconds=shutdown_seconds
    )


def large_answer(idle_seconds: float = 60) -> str:
    return LARGE_ANSWER.format(size=LARGE_BYTES, idle_seconds=idle_seconds)


def wait_until(condition) -> None:
    """Wait for a condition, at most a minute."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("the condition was false for a minute")


def connect(address: str, content: bytes = b"") -> socket.socket:
    """A connection on which `content` is sent."""
    url = urlsplit(address)
    connection = socket.create_connection((url.hostname, url.port), timeout=60)
    connection.sendall(content)
    return connection


def send_slowly(connection: socket.socket) -> None:
    """A byte every 0.1 s, for a minute."""
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.1)


def receive_all(connection: socket.socket) -> bytes:
    """All bytes until the server closes the connection."""
    received = b""
    with connection, suppress(ConnectionError):
        while part := connection.recv(2**20):
            received += part
    return received


def request_score(address: str) -> httpx.Response:
    body = {"x": np.zeros((1, 1, 8, 8)).tolist()}
    return httpx.post(f"{address}/v1/score", json=body, timeout=60)


def check_shutting_down(response: httpx.Response) -> None:
    assert response.status_code == 503
    assert response.json() == {"error": SHUTTING_DOWN}
    assert response.headers["retry-after"] == "1"
    check_error(response)


def queued_examples(address: str) -> float:
    return parse_metrics(httpx.get(f"{address}/metrics").text)["vaekit_queue_examples"]


@pytest.mark.process
def test_waiting_requests_are_refused_while_the_running_one_ends(small_run, tmp_path):
    code = slow_scores(small_run, tmp_path, shutdown_seconds=60)
    with running(code) as (server, address), ThreadPoolExecutor() as clients:
        computed = clients.submit(request_score, address)
        wait_until((tmp_path / "began").exists)
        queued = clients.submit(request_score, address)
        wait_until(lambda: queued_examples(address) == 1)
        incomplete_body = connect(address, HEAD + b"{")
        silent = connect(address)
        incomplete_header = connect(address, HEAD[:30])
        # An answer to a later connection shows that the server has accepted the earlier ones.
        assert httpx.get(f"{address}/health").status_code == 200
        server.send_signal(signal.SIGINT)
        check_shutting_down(queued.result(60))
        answer = receive_all(incomplete_body)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert SHUTTING_DOWN.encode() in answer
        assert b"x-content-type-options: nosniff" in answer
        assert receive_all(silent) == receive_all(incomplete_header) == b""
        assert not computed.done()
        (tmp_path / "release").touch()
        assert computed.result(60).status_code == 200
        server.wait(60)


@pytest.mark.nightly
@pytest.mark.process
@pytest.mark.parametrize(
    ("shutdown_seconds", "signals", "pause", "status"),
    [
        (1, [signal.SIGINT], 0.3, 0),
        (1, [signal.SIGTERM], 0.3, -signal.SIGTERM),
        (60, [signal.SIGINT, signal.SIGINT], 0.3, 0),
        (60, [signal.SIGINT, signal.SIGINT], 0.02, 0),  # both before the server has noticed one
    ],
)
def test_a_request_that_would_never_end_is_stopped(
    small_run, tmp_path, shutdown_seconds, signals, pause, status
):
    """It is stopped after a while, or at a second Ctrl-C, and its client gets an answer."""
    code = slow_scores(small_run, tmp_path, shutdown_seconds)
    with running(code, status=status) as (server, address), ThreadPoolExecutor() as clients:
        computed = clients.submit(request_score, address)
        wait_until((tmp_path / "began").exists)
        for each in signals:
            server.send_signal(each)
            time.sleep(pause)
        check_shutting_down(computed.result(60))
        server.wait(60)


@pytest.mark.process
def test_an_answer_that_the_client_does_not_accept_does_not_hold_the_server():
    with running(large_answer()) as (server, address):
        connection = connect(address, GET)
        assert connection.recv(10)
        server.send_signal(signal.SIGINT)
        server.wait(60)
        assert len(receive_all(connection)) < LARGE_BYTES


@pytest.mark.process
def test_idle_connections_are_closed():
    request = b"GET /small HTTP/1.1\r\nHost: localhost\r\n"
    with running(large_answer(idle_seconds=2)) as (_, address):
        silent = connect(address)
        incomplete = connect(address, request)
        incomplete_after_first = connect(address, request + b"\r\n" + request)
        not_accepting = connect(address, GET)
        slow = connect(address, request + b"X: ")
        with slow, pytest.raises(ConnectionError):
            send_slowly(slow)
        assert receive_all(silent) == receive_all(incomplete) == b""
        assert receive_all(incomplete_after_first).count(b"HTTP/1.1 200 ") == 1
        assert 0 < len(receive_all(not_accepting)) < LARGE_BYTES


@pytest.mark.nightly
@pytest.mark.process
def test_a_busy_connection_stays_open_for_longer_than_an_idle_one():
    request = b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with running(large_answer(idle_seconds=2)) as (_, address), connect(address) as busy:
        for _ in range(8):
            busy.sendall(request)
            answer = busy.recv(2**16)
            while answer and not answer.endswith(bytes(10)):
                answer += busy.recv(2**16)
            assert answer.startswith(b"HTTP/1.1 200 ")
            time.sleep(0.5)


@pytest.mark.process
def test_ctrl_c_while_python_exits_is_ignored():
    slow_exit = (
        "import atexit, time\natexit.register(lambda: (print('}', flush=True), time.sleep(1)))\n"
    )
    with running(slow_exit + large_answer() + "print('{')") as (server, _):
        server.send_signal(signal.SIGINT)
        assert server.stdout is not None
        assert server.stdout.readline() + server.stdout.readline() == "{\n}\n"
        server.send_signal(signal.SIGINT)
        server.wait(60)


def test_a_computation_can_be_interrupted_and_works_again(small_run):
    service = RunService(small_run)
    x = np.zeros((1, 1, 8, 8))
    with service.interrupted(), pytest.raises(Interrupted):
        small_run.encode(x)
    assert small_run.encode(x).mean.shape == (1, 3)


@pytest.mark.parametrize("shutting_down", [False, True])
def test_only_a_cancellation_at_shutdown_becomes_an_answer(shutting_down: bool):
    """Other cancellations are raised, as the server expects."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
        await asyncio.sleep(60)

    async def receive():
        return {"type": "lifespan.shutdown"}

    async def main() -> list[int | None]:
        guard = Guard(app, hosts=LOOPBACK, max_bytes=9, headers={})
        statuses: list[int | None] = []

        async def send(message):
            statuses.append(message.get("status"))

        scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")]}
        request = asyncio.create_task(guard(scope, receive, send))
        await asyncio.sleep(0)
        if shutting_down:
            lifespan = asyncio.create_task(guard({"type": "lifespan"}, receive, send))
            await asyncio.sleep(0)
            lifespan.cancel()
        request.cancel()
        await asyncio.wait([request])
        assert request.cancelled() != shutting_down
        return statuses

    assert asyncio.run(main()) == ([503, None] if shutting_down else [])
