"""A real server in a process of its own: many clients, clients that go away or lie, and how it starts and ends."""

import asyncio
import socket
import sys
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from server_client import check_error, npy, process

from conftest import small_images
from vaekit.errors import ConfigError, OutputError
from vaekit.web import hosts_for, serve_app

X = small_images(300).train.x


@pytest.fixture(scope="module")
def address(small_run):
    with process(small_run) as address:
        yield address


def raw(address: str, content: bytes) -> bytes:
    """What comes back for bytes, until the server closes or says nothing for a while."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_three_hundred_clients_at_once(small_run, address):
    """Each gets its own answer, and they were not computed one by one."""
    wanted = small_run.encode(X).mean.numpy()
    z = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    images = small_run.decode(z)

    async def client(k: int) -> None:
        async with httpx.AsyncClient(base_url=address, timeout=60) as one:
            if k % 3:
                found = await one.post("/v1/decode", json={"z": [z[k].tolist()]})
                np.testing.assert_allclose(found.json()["x"][0], images[k], rtol=1e-4, atol=1e-4)
            else:
                headers = {"content-type": "application/x-npy", "accept": "application/json"}
                found = await one.post("/v1/encode", content=npy(X[k : k + 1]), headers=headers)
                np.testing.assert_allclose(found.json()["mean"][0], wanted[k], rtol=1e-4, atol=1e-4)

    async def main() -> None:
        await asyncio.gather(*(client(k) for k in range(300)))

    before = batches(address)
    asyncio.run(main())
    requests, count = (after - begun for after, begun in zip(batches(address), before, strict=True))
    assert requests == 300 and count < 300


def batches(address: str) -> tuple[float, float]:
    """Requests that were computed, and the batches in which they were."""
    lines = dict(
        line.rsplit(" ", 1)
        for line in httpx.get(f"{address}/metrics").text.splitlines()
        if line[0] != "#"
    )
    return float(lines["vaekit_batch_requests_sum"]), float(lines["vaekit_batch_requests_count"])


def test_clients_that_go_away(address):
    place = urlsplit(address)
    body = b'{"z": [[0, 0, 0]]}'
    head = b"POST /v1/decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    for part in (
        b"",
        head[:30],
        head % len(body),
        head % len(body) + body[:5],
        head % len(body) + body,
    ):
        for _ in range(20):
            with socket.create_connection((place.hostname, place.port)) as connection:
                connection.sendall(part)
    assert (
        httpx.post(
            f"{address}/v1/decode", content=body, headers={"content-type": "application/json"}
        ).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),  # no Host
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET /health HTTP/1.0\r\n\r\n", b"400"),
        (b"GET http://evil.example/health HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET /v1/../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /v1/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (
            b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
            b"413",
        ),
        (b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"400"),
        (
            b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"400",
        ),
        (
            b"POST /v1/encode HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"400",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00" + bytes(200), b"400"),
    ],
)
def test_hostile_bytes(address, request_, status):
    assert raw(address, request_).split(b" ", 2)[1] == status


def test_a_header_without_end_is_cut_off(address):
    try:
        found = raw(address, b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 5_000_000)
    except ConnectionError:  # closed while there was more to say
        found = b""
    assert found == b"" or found.split(b" ", 2)[1] == b"400"


def test_a_chunked_body_without_end_is_cut_off(address):
    def endless():
        for _ in range(2000):
            yield bytes(2**16)

    headers = {"content-type": "application/x-npy"}
    found = httpx.post(f"{address}/v1/encode", content=endless(), headers=headers, timeout=60)
    assert found.status_code == 413
    check_error(found)


def test_websockets_are_not_answered(address):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    found = raw(address, b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n" + upgrade + key + b"\r\n")
    assert b" 101 " not in found


def test_a_port_that_is_taken_is_one_line(address, small_run, refused):
    port = urlsplit(address).port
    assert f"port {port} of 127.0.0.1 cannot be listened on" in refused(
        "serve", small_run.path, "--port", port
    )


def test_places_that_cannot_be(small_run, refused):
    assert "allowed are 1 to 65535" in refused("serve", small_run.path, "--port", 65536)
    unknown = refused("serve", small_run.path, "--host", "no.such.host.invalid")
    assert "host 'no.such.host.invalid' is not known: choose another --host" in unknown
    elsewhere = refused("serve", small_run.path, "--host", "192.0.2.1")
    assert "host '192.0.2.1' is no address of this machine: choose another --host" in elsewhere
    assert "rows_at_once = 0" in refused("serve", small_run.path, "--rows-at-once", 0)
    assert "is not a run folder" in refused("serve", "nothing")


@pytest.mark.parametrize("package", ["starlette", "prometheus_client", "uvicorn"])
def test_a_package_that_is_missing_is_one_line(small_run, refused, monkeypatch, package):
    for name in [
        name
        for name in sys.modules
        if name.startswith(("vaekit.server.app", "vaekit.server.prometheus", package))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert 'pip install "vaekit[serve]"' in refused("serve", small_run.path)


def test_hosts_that_are_this_machine_for_itself():
    assert hosts_for("localhost") == hosts_for("::1") == ("127.0.0.1", "localhost", "::1")
    assert hosts_for("127.1.2.3") == ("127.0.0.1", "localhost", "::1", "127.1.2.3")
    assert hosts_for("0.0.0.0") is hosts_for("192.168.0.1") is hosts_for("example.org") is None


def test_errors_of_listening_are_of_their_kind():
    with pytest.raises(ConfigError, match="port -1"):
        serve_app(None, "127.0.0.1", -1, ready=print)  # type: ignore[arg-type]
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OutputError, match="choose another --port"),
    ):
        serve_app(None, "127.0.0.1", taken.getsockname()[1], ready=print)  # type: ignore[arg-type]


def test_another_host_is_open_to_every_name(small_run):
    with process(small_run, "--host", "0.0.0.0") as address:
        port = urlsplit(address).port
        headers = {"host": f"models.example:{port}"}
        assert httpx.get(f"http://127.0.0.1:{port}/health", headers=headers).status_code == 200
        foreign = {**headers, "origin": "http://evil.example"}
        assert (
            httpx.post(f"http://127.0.0.1:{port}/v1/sample", json={}, headers=foreign).status_code
            == 403
        )
