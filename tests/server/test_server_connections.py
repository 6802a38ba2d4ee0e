"""A flood of connections: bounded, closed, and told in one line; and bodies of two lengths."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable
from urllib.parse import urlsplit

import httpx
import pytest

from vaekit.web import bounded_listener

SMALL_SERVER = """
import resource, sys

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from vaekit.web import LOOPBACK, Guard, serve_app

held = [open("/dev/null") for _ in range({held_files})]


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({{"type": "lifespan.startup.complete"}})
        return await send({{"type": "lifespan.shutdown.complete"}})
    while (await receive()).get("more_body"):
        pass
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"small"}})


def make_app():
    return Guard(app, hosts=LOOPBACK, max_bytes=1000, headers={{}})


serve_app(make_app, "127.0.0.1", 0, ready=lambda address: print(address, flush=True))
"""
"""A server that may open 64 descriptors, without a run."""

POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
SECOND = b"GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""A request that hides behind the body of another."""


@contextmanager
def small_server(log: Path, held_files: int = 0) -> Iterator[tuple[Popen[str], str]]:
    """A server with few descriptors and its address; its standard error goes to a file."""
    code = SMALL_SERVER.format(held_files=held_files)
    with (
        log.open("w") as errors,
        Popen([executable, "-c", code], stdout=PIPE, stderr=errors, text=True) as server,
    ):
        assert server.stdout is not None
        try:
            yield server, server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait(60)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with small_server(tmp_path_factory.mktemp("log") / "log") as (_, address):
        yield address


def connect(address: str) -> socket.socket:
    url = urlsplit(address)
    return socket.create_connection((url.hostname, url.port), timeout=10)


def descriptors(server: Popen[str]) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def memory_mib(server: Popen[str]) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def wait_for_answer(address: str) -> None:
    """Ask until the server answers, at most 20 seconds."""
    for _ in range(100):
        with suppress(httpx.HTTPError):
            assert httpx.get(address, timeout=5).text == "small"
            return
        time.sleep(0.2)
    raise AssertionError("the server does not answer")


@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted on Linux")
@pytest.mark.parametrize(
    ("held_files", "clients"),
    [(0, 300), (45, 60)],
    ids=["more connections than the bound", "no descriptor for any more"],
)
def test_a_flood_of_connections_neither_fills_the_log_nor_ends_the_service(
    tmp_path, held_files: int, clients: int
):
    """Before, a server of 64 descriptors wrote 7 MB of tracebacks in 3 s, and answered nobody."""
    log = tmp_path / "log"
    with small_server(log, held_files) as (server, address):
        before = descriptors(server)
        memory_before = memory_mib(server)
        flood = [connect(address) for _ in range(clients)]
        time.sleep(1.5)
        assert descriptors(server) <= 64
        if not held_files:
            wait_for_answer(address)  # while the flood stays connected: the idle ones are closed
        for connection in flood:
            connection.close()
        wait_for_answer(address)
        for _ in range(100):
            if descriptors(server) <= before:
                break
            time.sleep(0.1)
        assert descriptors(server) <= before
        assert memory_mib(server) < memory_before + 20
    lines = log.read_text().splitlines()
    assert len(lines) == 1
    assert len(lines[0]) < 200


def test_a_process_of_any_limit_accepts_connections(monkeypatch):
    import resource

    for limit, expected in ((64, 32), (10**6, 1000), (resource.RLIM_INFINITY, 1000), (1, 1)):
        monkeypatch.setattr("resource.getrlimit", lambda _, soft=limit: (soft, soft))
        assert bounded_listener.connection_limit() == expected


# --- Bodies of two lengths ------------------------------------------------------------------------


def exchange(address: str, request: bytes) -> bytes:
    """All bytes until the server closes the connection, which it must do by itself."""
    with connect(address) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.process
@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Transfer-Encoding: CHUNKED\r\ncontent-length: 5",
        b"Content-Length: 5\r\nTransfer-Encoding:\r\n chunked",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5, 6",
        b"Content-Length: +5",
        b"Content-Length : 5",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: chunked;q=1",
        b"Transfer-Encoding: \x0bchunked",
        b"Transfer-Encoding : chunked",
        b" Transfer-Encoding: chunked",
    ],
)
def test_an_unclear_length_is_refused_and_closes_the_connection(address, headers: bytes):
    answer = exchange(address, POST + headers + b"\r\n\r\n0\r\n\r\n" + SECOND)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1  # the second request is not answered
    assert b"connection: close" in answer.lower()


@pytest.mark.process
def test_chunks_in_http_1_0_are_refused(address):
    request = POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert exchange(address, request).startswith(b"HTTP/1.1 400 ")


@pytest.mark.process
@pytest.mark.parametrize(
    "body",
    [
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"Content-Length: 5\r\n\r\nhello",
        b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",  # the same length twice is one
    ],
)
def test_clear_lengths_keep_the_connection(address, body: bytes):
    last = SECOND.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert exchange(address, POST + body + last).count(b"HTTP/1.1 200 ") == 2
