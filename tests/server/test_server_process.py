"""A server in its own process: concurrent, disconnecting and hostile clients, and its start."""

import asyncio
import socket
import sys
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from server_client import JSON, check_error, npy, parse_metrics, serving

from conftest import small_images
from raising import raises
from vaekit.errors import ConfigError, OutputError, RunError
from vaekit.server import Limits
from vaekit.web import hosts_for, serve_app
from vaekit.workflows import serve

X = small_images(300).train.x
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture(scope="module")
def address(small_run):
    with serving(small_run) as address:
        yield address


def exchange(address: str, content: bytes) -> bytes:
    """The bytes that a server sends until it closes the connection."""
    url = urlsplit(address)
    with socket.create_connection((url.hostname, url.port), timeout=10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


# --- Clients -------------------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.process
def test_three_hundred_concurrent_clients(small_run, address):
    """Each client gets its own answer, and requests are computed in batches."""
    means = small_run.encode(X).mean
    z = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    images = small_run.decode(z)

    async def decode(client: httpx.AsyncClient, k: int) -> None:
        answer = await client.post("/v1/decode", json={"z": [z[k].tolist()]})
        np.testing.assert_allclose(answer.json()["x"][0], images[k], **CLOSE)

    async def encode(client: httpx.AsyncClient, k: int) -> None:
        headers = {"content-type": "application/x-npy", "accept": "application/json"}
        answer = await client.post("/v1/encode", content=npy(X[k : k + 1]), headers=headers)
        np.testing.assert_allclose(answer.json()["mean"][0], means[k], **CLOSE)

    async def ask(k: int) -> None:
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            await (decode(client, k) if k % 3 else encode(client, k))

    async def main() -> None:
        await asyncio.gather(*(ask(k) for k in range(300)))

    before = parse_metrics(httpx.get(f"{address}/metrics").text)
    asyncio.run(main())
    after = parse_metrics(httpx.get(f"{address}/metrics").text)
    requests, batches = (
        after[name] - before[name]
        for name in ("vaekit_batch_requests_sum", "vaekit_batch_requests_count")
    )
    assert requests == 300
    assert batches < 300


@pytest.mark.process
def test_the_server_answers_after_clients_have_disconnected(address):
    url = urlsplit(address)
    body = b'{"z": [[0, 0, 0]]}'
    head = (
        b"POST /v1/decode HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    for part in (b"", head[:30], head, head + body[:5], head + body):
        for _ in range(20):
            with socket.create_connection((url.hostname, url.port)) as connection:
                connection.sendall(part)
    assert httpx.post(f"{address}/v1/decode", content=body, headers=JSON).status_code == 200


@pytest.mark.process
@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"GET / HTTP/1.1", b"400"),  # without a Host header
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost", b"400"),
        (b"GET /health HTTP/1.0", b"400"),
        (b"GET http://evil.example/health HTTP/1.1\r\nHost: evil.example", b"421"),
        (b"GET /v1/../../../../etc/passwd HTTP/1.1\r\nHost: localhost", b"404"),
        (b"GET /v1/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost", b"404"),
        (b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999", b"413"),
        (b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1", b"400"),
        (
            b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 1\r\nContent-Length: 2",
            b"400",
        ),
        (
            b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz",
            b"400",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00" + bytes(200), b"400"),
    ],
)
def test_hostile_requests(address, lines: bytes, status: bytes):
    assert exchange(address, lines + b"\r\n\r\n").split(b" ", 2)[1] == status


@pytest.mark.process
def test_an_endless_header_is_refused(address):
    header = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 5_000_000
    try:
        answer = exchange(address, header)
    except ConnectionError:  # closed before all is sent
        answer = b""
    assert answer == b"" or answer.split(b" ", 2)[1] == b"400"


@pytest.mark.process
def test_an_endless_chunked_body_is_refused(address):
    def endless():
        for _ in range(2000):
            yield bytes(2**16)

    headers = {"content-type": "application/x-npy"}
    answer = httpx.post(f"{address}/v1/encode", content=endless(), headers=headers, timeout=60)
    assert answer.status_code == 413
    check_error(answer)


@pytest.mark.process
def test_websockets_are_refused(address):
    request = (
        b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b" 101 " not in exchange(address, request)


@pytest.mark.process
def test_a_server_on_all_addresses_answers_for_every_host(small_run):
    with serving(small_run, "--host", "0.0.0.0") as address:
        port = urlsplit(address).port
        headers = {"host": f"models.example:{port}"}
        local = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{local}/health", headers=headers).status_code == 200
        headers["origin"] = "http://evil.example"
        assert httpx.post(f"{local}/v1/sample", json={}, headers=headers).status_code == 403


# --- Start ---------------------------------------------------------------------------------------


def test_a_port_in_use(small_run):
    with socket.create_server(("127.0.0.1", 0)) as bound, raises(OutputError, "port"):
        serve(small_run, port=bound.getsockname()[1])


@pytest.mark.parametrize("port", [-1, 65536])
def test_invalid_ports(small_run, port: int):
    with raises(ConfigError, "port"):
        serve(small_run, port=port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a" * 100, "\udcff"])
def test_hosts_that_are_no_address_of_this_machine(small_run, host: str):
    with raises(ConfigError, "host"):
        serve(small_run, host=host)


def test_the_port_is_bound_before_the_app_is_made():
    def make_app():
        pytest.fail("the app is made")

    with raises(ConfigError, "port"):
        serve_app(make_app, "127.0.0.1", -1, ready=print)


def test_a_folder_that_is_no_run(tmp_path):
    with raises(RunError):
        serve(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("--port", 65536), "--port"),
        (("--host", "no.such.host.invalid"), "--host"),
        (("--max-batch-examples", 0), "--max-batch-examples"),
    ],
)
def test_the_command_line_names_the_option(small_run, refused, arguments, option: str):
    assert option in refused("serve", small_run.path, *arguments)


@pytest.mark.parametrize("package", ["starlette", "prometheus_client", "uvicorn"])
def test_a_missing_package_is_one_line(small_run, monkeypatch, package: str):
    importing = ("vaekit.server.app", "vaekit.server.prometheus", package)
    for name in [name for name in sys.modules if name.startswith(importing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with raises(ConfigError):
        serve(small_run, port=0, limits=Limits())


def test_loopback_addresses_answer_for_their_names_only():
    assert hosts_for("localhost") == hosts_for("::1") == ("127.0.0.1", "localhost", "::1")
    assert hosts_for("127.1.2.3") == ("127.0.0.1", "localhost", "::1", "127.1.2.3")
    assert hosts_for("0.0.0.0") is hosts_for("192.168.0.1") is hosts_for("no such host") is None


@pytest.mark.parametrize("host", ["LOCALHOST", "127.1", "2130706433", "::ffff:127.0.0.1"])
def test_a_loopback_address_in_other_words_is_one(host):
    names = hosts_for(host)
    assert names is not None and {"127.0.0.1", "localhost", host.lower()} <= set(names)
