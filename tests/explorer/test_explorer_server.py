"""The server of the explorer: its responses, its allowed hosts, and its refusals."""

import asyncio
import re
import socket
import sys
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

import vaekit
from browser_fixtures import explorer_process
from raising import raises
from vaekit.errors import ConfigError, OutputError
from vaekit.explorer import assets

pytestmark = pytest.mark.process

UNKNOWN_PATHS = [
    "/../pyproject.toml",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/static/index.html",
    "/page.py",
    "/examples/60",
    "/examples/-1",
    "/examples/1e3",
    "/examples/" + "9" * 5000,
    "/examples/٣",
    "/examples/",
    "/blobs/",
    "/blobs/../facts.json",
    "/main.js%00",
]
HOSTILE_HOSTS = ["evil.example", "127.0.0.1.evil.example", "", "localhost:80@evil.example"]


def send(address: str, path: str, host: str) -> str:
    """The status of the response to a request as it is written here."""
    url = urlsplit(address)
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((url.hostname, url.port), timeout=20) as connection:
        connection.sendall(request.encode())
        status_line = connection.recv(4096).decode("latin-1").splitlines()[0]
    return status_line.split(" ")[1]


def test_every_response_has_a_strict_policy(address):
    page = httpx.get(address)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "wasm-unsafe-eval" in policy
    for forbidden in ("'unsafe-eval'", "unsafe-inline", "http"):
        assert forbidden not in policy
    linked = re.findall(r'(?:src|href)="([\w.-]+)"', page.text)
    assert set(linked) == {"style.css", "main.js"}
    blobs = ("blobs/decoder", "blobs/codes", "blobs/wasm")
    for name in (*linked, *assets.modules(), assets.RUNTIME_MODULE, "facts.json", *blobs):
        response = httpx.get(f"{address}/{name}")
        assert response.status_code == 200, name
        assert response.headers["x-content-type-options"] == "nosniff", name
        assert response.headers["content-security-policy"] == policy, name


def test_examples_and_arrays_are_those_of_the_run(address, bars):
    facts = httpx.get(f"{address}/facts.json").json()
    assert facts["arrays"]["codes"] == {"type": "float32", "shape": [60, 3]}
    assert len(httpx.get(f"{address}/blobs/codes").content) == 60 * 3 * 4
    for index in (0, 59):
        content = httpx.get(f"{address}/examples/{index}").content
        assert np.array_equal(np.frombuffer(content, np.uint8), bars[0][index].ravel())


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_unknown_paths_are_refused(address, path: str):
    assert send(address, path, urlsplit(address).netloc) in ("404", "400", "431")
    assert httpx.get(address).status_code == 200


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_other_hosts_are_refused(address, host: str):
    assert send(address, "/facts.json", host) in ("421", "400")


def test_requests_with_a_body_are_refused(address):
    assert httpx.post(address, content=b"x" * 100_000).status_code == 413
    assert httpx.post(address, content=b"x").status_code == 405
    assert httpx.put(f"{address}/facts.json", content=b"{}").status_code == 405


@pytest.mark.nightly
def test_hundreds_of_concurrent_requests_get_their_own_examples(address):
    async def get_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            urls = [f"{address}/examples/{i % 60}" for i in range(300)]
            return await asyncio.gather(*map(client.get, urls))

    responses = asyncio.run(get_all())
    assert {response.status_code for response in responses} == {200}
    contents = [response.content for response in responses]
    assert contents[:60] == contents[60:120] and len(set(contents[:60])) == 60


def test_a_port_in_use_is_refused(small_run):
    data = small_run.path.parent / "bars.npz"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with raises(OutputError, "port"):
            vaekit.explore(small_run, data=data, port=other.getsockname()[1])


def test_a_missing_package_is_named(small_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigError) as caught:
        vaekit.explore(small_run)
    assert "uvicorn" in str(caught.value) and "vaekit[explore]" in str(caught.value)


@pytest.mark.nightly
def test_two_servers_use_different_ports(small_run, address):
    with explorer_process(small_run.path) as second:
        assert second != address and second.startswith("http://127.0.0.1:")
        assert httpx.get(f"{second}/facts.json").json()["part"] == "test"
