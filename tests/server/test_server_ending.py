"""The end of a server, and connections on which nothing goes on: no client keeps anything for ever."""

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
from server_client import check_error, running, serve

from vaekit.errors import Interrupted
from vaekit.web import LOOPBACK, Guard
from vaekit.workflows.serve import Computed

ENDING = {"error": "the server is shutting down"}
HEAD = b"POST /v1/decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"

# A server whose scores begin by writing a file, and are done when there is another one.
SLOW = """
import time
from pathlib import Path
from vaekit import cli
from vaekit.web import listening
from vaekit.workflows.serve import Computed
listening.GRACE = {grace}

def slowly(self, rows, by, samples, seed, score=Computed.score):
    Path({folder!r}, "began").touch()
    while not Path({folder!r}, "go").exists():
        score(self, rows, by, samples, seed)
        time.sleep(0.01)
    return score(self, rows, by, samples, seed)

Computed.score = slowly
cli.main()
"""

# A server of one large answer, without a run.
LARGE = """
import json
from vaekit.web import listening
listening.GRACE, listening.PATIENCE = {grace}, {patience}

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({{"type": "lifespan.startup.complete"}})
        return await send({{"type": "lifespan.shutdown.complete"}})
    body = bytes(10 if scope["path"] == "/small" else 50_000_000)
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}})
    await send({{"type": "http.response.body", "body": body}})

tell = lambda address: print(json.dumps({{"address": address}}, indent=1), flush=True)
listening.listen(lambda: app, "127.0.0.1", 0, ready=tell)
"""


def until(condition) -> None:
    """Wait for what must come, at most a minute."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def connect(address: str, content: bytes = b"") -> socket.socket:
    place = urlsplit(address)
    connection = socket.create_connection((place.hostname, place.port), timeout=60)
    connection.sendall(content)
    return connection


def drip(connection: socket.socket) -> None:
    """A letter now and then, for a minute."""
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.1)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    found = b""
    with connection, suppress(ConnectionError):
        while part := connection.recv(2**20):
            found += part
    return found


def scores(address: str) -> httpx.Response:
    return httpx.post(
        f"{address}/v1/score", json={"x": np.zeros((1, 1, 8, 8)).tolist()}, timeout=60
    )


def told(response: httpx.Response) -> None:
    assert (
        response.status_code == 503
        and response.json() == ENDING
        and response.headers["retry-after"] == "1"
    )
    check_error(response)


def test_who_waits_is_told_while_what_is_computed_ends(small_run, tmp_path):
    code = SLOW.format(grace=60, folder=str(tmp_path))
    with running(code, *serve(small_run)) as (server, address), ThreadPoolExecutor() as clients:
        computed = clients.submit(scores, address)
        until((tmp_path / "began").exists)
        queued = clients.submit(scores, address)
        until(lambda: "vaekit_rows_waiting 1.0" in httpx.get(f"{address}/metrics").text)
        stalled, silent, begun = (
            connect(address, HEAD + b"{"),
            connect(address),
            connect(address, HEAD[:30]),
        )
        assert httpx.get(f"{address}/health").status_code == 200  # so what came before is taken
        server.send_signal(signal.SIGINT)
        told(queued.result(60))
        answer = rest(stalled)
        assert answer.startswith(b"HTTP/1.1 503 ") and answer.endswith(
            b'{"error": "the server is shutting down"}'
        )
        assert b"x-content-type-options: nosniff" in answer
        assert rest(silent) == rest(begun) == b""
        assert not computed.done()
        (tmp_path / "go").touch()
        assert computed.result(60).status_code == 200
        server.wait(60)


@pytest.mark.parametrize(
    ("grace", "signals", "status"),
    [
        (1, [signal.SIGINT], 0),
        (1, [signal.SIGTERM], -signal.SIGTERM),
        (60, [signal.SIGINT, signal.SIGINT], 0),
    ],
)
def test_what_would_never_end_is_stopped(small_run, tmp_path, grace, signals, status):
    """After a while, or at a second Ctrl-C; whoever waited for it is told."""
    code = SLOW.format(grace=grace, folder=str(tmp_path))
    with (
        running(code, *serve(small_run), status=status) as (server, address),
        ThreadPoolExecutor() as clients,
    ):
        computed = clients.submit(scores, address)
        until((tmp_path / "began").exists)
        for one in signals:
            server.send_signal(one)
            time.sleep(0.3)
        told(computed.result(60))
        server.wait(60)


def test_an_answer_that_nobody_takes_does_not_keep_the_server():
    with running(LARGE.format(grace=1, patience=60)) as (server, address):
        connection = connect(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(10)
        server.send_signal(signal.SIGINT)
        server.wait(60)
        assert len(rest(connection)) < 50_000_000


def test_connections_on_which_nothing_goes_on_are_ended():
    request = b"GET /small HTTP/1.1\r\nHost: localhost\r\n"
    with running(LARGE.format(grace=1, patience=2)) as (_, address):
        silent, begun, again = (
            connect(address),
            connect(address, request),
            connect(address, request + b"\r\n" + request),
        )
        untaken = connect(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        dripping = connect(address, request + b"X: ")
        with dripping, pytest.raises(ConnectionError):
            drip(dripping)
        assert rest(silent) == rest(begun) == b""
        assert rest(again).count(b"HTTP/1.1 200 ") == 1
        assert 0 < len(rest(untaken)) < 50_000_000
        with connect(address) as busy:
            for _ in range(8):  # for longer than a connection may do nothing
                busy.sendall(request + b"\r\n")
                found = busy.recv(2**16)
                while found and not found.endswith(bytes(10)):
                    found += busy.recv(2**16)
                assert found.startswith(b"HTTP/1.1 200 ")
                time.sleep(0.5)


def test_ctrl_c_while_python_ends_is_not_heard():
    slow = "import atexit, time; atexit.register(lambda: (print('}', flush=True), time.sleep(1)))"
    with running(slow + LARGE.format(grace=1, patience=60) + "print('{')") as (server, _):
        server.send_signal(signal.SIGINT)
        assert (
            server.stdout is not None
            and server.stdout.readline() + server.stdout.readline() == "{\n}\n"
        )
        server.send_signal(signal.SIGINT)
        server.wait(60)


def test_what_is_computed_can_be_stopped_and_goes_on_later(small_run):
    computed, x = Computed(small_run), np.zeros((1, 1, 8, 8))
    with computed.stopped(), pytest.raises(Interrupted):
        small_run.encode(x)
    assert small_run.encode(x).mean.shape == (1, 3)


def test_only_the_end_of_the_server_makes_an_answer_of_what_is_cancelled():
    """Any other cancellation is the server's own affair."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
        await asyncio.sleep(60)

    async def end():
        return {"type": "lifespan.shutdown"}

    async def cancelled(ending: bool) -> list[int]:
        guard = Guard(app, hosts=LOOPBACK, most_bytes=9, headers={})
        statuses: list[int] = []

        async def send(message):
            statuses.append(message.get("status"))

        scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")]}
        task = asyncio.create_task(guard(scope, end, send))
        await asyncio.sleep(0)
        if ending:
            life = asyncio.create_task(guard({"type": "lifespan"}, end, send))
            await asyncio.sleep(0)
            life.cancel()
        task.cancel()
        await asyncio.wait([task])
        return [] if task.cancelled() else statuses

    assert asyncio.run(cancelled(False)) == [] and asyncio.run(cancelled(True)) == [503, None]
