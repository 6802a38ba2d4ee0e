"""Requests that are refused by their path, method, host, origin or size."""

import asyncio

import numpy as np
import pytest
from server_client import NPY, ask, check_refused, post, post_json, served

from conftest import small_images
from vaekit.server import codec
from vaekit.web import LOOPBACK, Guard

X = small_images(2).train.x


@pytest.fixture
def app(small_run):
    return served(small_run, max_body_bytes=100_000, max_examples=50)


# --- Paths, methods, names -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/../../etc/passwd",
        "/v1/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/v1/encode/",
        "/v1/encode/config.yaml",
        "/v1//encode",
        "/config.yaml",
        "/model.safetensors",
        "/v1/encode%00",
        "//etc/passwd",
        "/" + "a" * 5000,
    ],
)
def test_unknown_paths(app, path: str):
    check_refused(ask(app, "GET", path), 404, "/openapi.json")
    check_refused(ask(app, "POST", path, json={}), 404, "/openapi.json")


@pytest.mark.parametrize(
    "method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"]
)
def test_unsupported_methods(app, method: str):
    response = ask(app, method, "/v1/encode")
    check_refused(response, 405, "POST")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.example:8000", "0.0.0.0"],
)
def test_unknown_hosts(app, host: str):
    sample = ask(app, "POST", "/v1/sample", json={}, headers={"host": host})
    check_refused(sample, 421, "localhost")
    check_refused(ask(app, "GET", "/v1/model", headers={"host": host}), 421)


@pytest.mark.parametrize(
    "host", ["", "a b", "[::1", "localhost:80a", "localhost/", "user@localhost", "[::1]x"]
)
def test_invalid_host_headers(app, host: str):
    check_refused(ask(app, "GET", "/health", headers={"host": host}), 400, "Host")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "localhost."]
)
def test_names_of_this_machine(app, host: str):
    assert ask(app, "GET", "/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:9999", "http://localhost.evil.example"],
)
def test_pages_of_another_origin(app, origin: str):
    response = ask(app, "POST", "/v1/sample", json={}, headers={"origin": origin})
    check_refused(response, 403)
    assert ask(app, "GET", "/v1/model", headers={"origin": origin}).status_code == 200


def test_a_page_of_the_same_origin(app):
    headers = {"origin": "http://localhost:8000", "host": "localhost:8000"}
    assert ask(app, "POST", "/v1/sample", json={}, headers=headers).status_code == 200


# --- Sizes ---------------------------------------------------------------------------------------


def test_a_large_body_with_its_length(app):
    check_refused(post(app, "encode", bytes(200_000)), 413, "100,000 bytes")


def test_a_large_body_without_its_length(app):
    async def chunks():
        for _ in range(1000):
            yield bytes(1000)

    response = ask(app, "POST", "/v1/encode", content=chunks(), headers=NPY)
    check_refused(response, 413, "100,000 bytes")


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "9" * 40, ""])
def test_invalid_content_lengths(app, length: str):
    headers = {"content-length": length.encode()}
    response = ask(app, "POST", "/v1/encode", content=b"{}", headers=headers)
    check_refused(response, 413 if length.startswith("9") else 400)


def test_too_many_examples_and_samples(app):
    check_refused(post(app, "decode", {"z": [[0, 0, 0]] * 51}), 422, "51", "50")
    check_refused(post(app, "decode", np.zeros((51, 3))), 422, "51", "50")
    check_refused(post(app, "sample", {"count": 10**9}), 422, "count", "1000000000", "50")
    check_refused(post(app, "score", {"x": X.tolist(), "samples": 10**9}), 422, "samples", "5000")


def test_too_many_samples_over_all_examples(small_run):
    app = served(small_run, max_draws=100)
    check_refused(post(app, "score", {"x": X.tolist(), "samples": 51}), 422, "51", "100")
    assert post(app, "score", {"x": X.tolist(), "samples": 50}).status_code == 200


def test_bodies_in_progress_are_limited_together():
    """The 17th large body is refused while 16 are in memory, and accepted after their answers."""
    release = asyncio.Event()

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        if scope["path"] == "/wait":
            await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guard = Guard(app, hosts=LOOPBACK, max_bytes=100, headers={})

    async def request(path: str) -> int:
        statuses = []

        async def receive():
            return {"type": "http.request", "body": bytes(100), "more_body": False}

        async def send(message):
            statuses.append(message.get("status"))

        headers = [(b"host", b"localhost")]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        await guard(scope, receive, send)
        return statuses[0]

    async def main() -> list[int]:
        waiting = [asyncio.create_task(request("/wait")) for _ in range(16)]
        await asyncio.sleep(0)
        refused = await request("/")
        release.set()
        return [refused, *await asyncio.gather(*waiting), await request("/")]

    assert asyncio.run(main()) == [503, *[200] * 17]


def test_examples_are_counted_before_their_values_are_checked(app):
    check_refused(post(app, "decode", {"z": [["text"]] * 51}), 422, "51")


@pytest.mark.parametrize("part", [b"[0,0],", b"[],", b"{},", b"[[[[", b"0,", b'{"a":'])
@pytest.mark.parametrize("name", ["decode", "sample"])
def test_far_too_many_values_are_not_parsed(app, monkeypatch, name: str, part: bytes):
    monkeypatch.setattr(codec, "_read_json", lambda *_: pytest.fail("the body is parsed"))
    body = b'{"z": [' + part * (90_000 // len(part))
    check_refused(post_json(app, name, body), 422, "50 examples")
