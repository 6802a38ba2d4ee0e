"""Who may use a server, and who did: bearer token, TLS, access log."""

import asyncio
import re
import shutil
import socket
import ssl
import subprocess
import threading
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from server_client import ask, ask_all, check_refused

import vaekit
from raising import raises
from vaekit.errors import ConfigError
from vaekit.web import LOOPBACK, AccessLog, BearerToken, RunningServer, read_token, tls_files
from vaekit.workflows.serve import application

SERVE_MODULE = import_module("vaekit.workflows.serve")
"""By its name, since the package has the function of that name."""
TOKEN = "correct-horse-battery"
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}
PATHS = [
    ("GET", "/v1/model"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("OPTIONS", "/metrics"),
    ("POST", "/v1/sample"),
    ("GET", "/unknown"),
]
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ \S+ \S+ (\d{3}|-) \d+ \d+\.\dms\n")
"""A line of the access log."""


def quiet(address: str) -> None:
    """Print nothing."""


# --- Token ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked(small_run):
    """The app of a run that demands a token."""
    return application(small_run, hosts=LOOPBACK, token=BearerToken(TOKEN))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", TOKEN)],
        [("authorization", f"Basic {TOKEN}")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer " + TOKEN[:-1])],
        [("authorization", f"Bearer {TOKEN}x")],
        [("authorization", f"Bearer {TOKEN.upper()}")],
        [("authorization", "Bearer é".encode("latin-1"))],
        [("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")],
        [("cookie", f"token={TOKEN}")],
    ],
)
def test_requests_without_the_token_are_refused(locked, headers):
    requests = [(method, path, {"headers": headers}) for method, path in PATHS]
    for response in ask_all(locked, requests):
        check_refused(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in response.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_requests_with_the_token_are_answered(locked, scheme: str):
    headers = {"authorization": f"{scheme} {TOKEN}"}
    assert ask(locked, "POST", "/v1/sample", json={}, headers=headers).status_code == 200
    assert ask(locked, "GET", "/metrics", headers=headers).status_code == 200


def test_the_health_of_a_locked_server_is_public(locked):
    assert ask(locked, "GET", "/health").status_code == 200
    assert ask(locked, "GET", "/health/").status_code == 401


def test_the_token_does_not_replace_the_other_checks(locked):
    headers = {**AUTHORIZED, "origin": "http://evil.example"}
    assert ask(locked, "POST", "/v1/sample", json={}, headers=headers).status_code == 403
    headers = {**AUTHORIZED, "host": "evil.example"}
    assert ask(locked, "GET", "/v1/model", headers=headers).status_code == 421


def test_the_description_declares_the_token(locked, small_run):
    description = ask(locked, "GET", "/openapi.json", headers=AUTHORIZED).json()
    assert description["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer"}
    }
    assert description["security"] == [{"bearer": []}]
    for path, operations in description["paths"].items():
        for operation in operations.values():
            assert ("401" in operation["responses"]) == (path != "/health")
            assert operation.get("security", description["security"]) == (
                [] if path == "/health" else [{"bearer": []}]
            )
    open_description = ask(application(small_run, hosts=None), "GET", "/openapi.json").json()
    assert "security" not in open_description
    assert "securitySchemes" not in open_description["components"]


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 1001, "with space and more", "zeile\nzeile-zeile", "ü" * 20, 7]
)
def test_invalid_tokens_are_refused_and_not_shown(small_run, token: Any):
    with raises(ConfigError, "token"):
        vaekit.serve(small_run, port=0, token=token, background=True)
    with pytest.raises(ConfigError) as caught:
        BearerToken(token)
    assert token in ("", 7) or token not in str(caught.value)
    assert TOKEN not in repr(BearerToken(TOKEN))


def test_a_token_is_read_from_a_file_or_else_from_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monkeypatch.delenv("VAEKIT_TOKEN", raising=False)
    assert read_token(None) is None
    assert read_token(file) == TOKEN
    monkeypatch.setenv("VAEKIT_TOKEN", "of-the-environment")
    assert read_token(None) == "of-the-environment"
    assert read_token(file) == TOKEN


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 20, b"x" * 10_000, b"two\nlines" * 3])
def test_files_that_have_no_token(tmp_path, content: bytes):
    (tmp_path / "token").write_bytes(content)
    with raises(ConfigError, "token_file"):
        read_token(tmp_path / "token")


@pytest.mark.parametrize("file", ["missing", ".", "/dev/zero"])
def test_files_that_cannot_be_read(tmp_path, file: str):
    with raises(ConfigError, "token_file"):
        read_token(tmp_path / file)


# --- TLS -----------------------------------------------------------------------------------------


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate of this machine, signed by itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (Debian: apt-get install openssl)")
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "server")


def test_a_server_with_a_certificate_answers_over_https_alone(small_run, pair):
    certificate, key = pair
    addresses: list[str] = []
    with vaekit.serve(
        small_run,
        port=0,
        token=TOKEN,
        tls_certificate=certificate,
        tls_key=str(key),
        ready=addresses.append,
        background=True,
    ) as server:
        assert addresses == [server.url]
        assert server.url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(verify=trusted, base_url=server.url, headers=AUTHORIZED) as client:
            assert client.get("/health").json() == {"status": "ok"}
            assert client.post("/v1/sample", json={"count": 2}).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url)  # which does not trust the certificate
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(server.url.replace("https", "http"))


def test_handshakes_that_last_are_ended_once_no_connection_is_free(pair, monkeypatch):
    """asyncio alone would wait a minute for each."""
    monkeypatch.setattr("vaekit.web.bounded_listener.MAX_CONNECTIONS", 2)

    async def app(scope, receive, send):
        await receive()

    with RunningServer(lambda: app, "127.0.0.1", 0, tls=tls_files(*pair)) as server:
        url = urlsplit(server.url)
        address = (url.hostname, url.port)
        silent = [socket.create_connection(address, timeout=20) for _ in range(2)]
        for connection in silent:
            with connection:
                assert connection.recv(1) == b""


@pytest.fixture
def files(pair, tmp_path) -> dict[str, Path | None]:
    """Usable and unusable files by name."""
    other, other_key = make_certificate(tmp_path, "other")
    (tmp_path / "damaged").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(bytes(2**21))
    encrypted = ["openssl", "ec", "-in", other_key, "-aes128", "-passout", "pass:secret"]
    subprocess.run([*encrypted, "-out", tmp_path / "encrypted"], check=True, capture_output=True)
    named = {path.name: path for path in tmp_path.iterdir()}
    return {
        **named,
        "other": other,
        "certificate": pair[0],
        "key": pair[1],
        "missing": tmp_path / "missing",
        "folder": tmp_path,
        "device": Path("/dev/zero"),
        "none": None,
    }


@pytest.mark.parametrize(
    ("certificate", "key", "parameter"),
    [
        ("certificate", "none", "tls_key"),
        ("none", "key", "tls_certificate"),
        ("certificate", "other.key", "tls_key"),
        ("certificate", "missing", "tls_key"),
        ("missing", "key", "tls_certificate"),
        ("folder", "key", "tls_certificate"),
        ("device", "key", "tls_certificate"),
        ("certificate", "device", "tls_key"),
        ("large", "key", "tls_certificate"),
        ("damaged", "key", "tls_certificate"),
        ("empty", "key", "tls_certificate"),
        ("key", "certificate", "tls_certificate"),
        ("other", "encrypted", "tls_certificate"),
    ],
)
def test_unusable_files_are_refused(small_run, files, certificate, key, parameter: str):
    with raises(ConfigError, parameter):
        vaekit.serve(small_run, tls_certificate=files[certificate], tls_key=files[key])


# --- Access log ----------------------------------------------------------------------------------


def logged(app, *requests: tuple[str, str, dict[str, Any]]) -> list[str]:
    """The lines about requests to an app."""
    stream = StringIO()
    log = AccessLog(app, stream)
    ask_all(log, list(requests))
    log.drain()
    lines = stream.getvalue().splitlines(keepends=True)
    assert all(LINE.fullmatch(line) for line in lines), lines
    return lines


def test_each_request_is_one_line_without_its_query_and_token(locked):
    secret = {"headers": AUTHORIZED}
    lines = logged(
        locked,
        ("GET", "/v1/model?key=secret", secret),
        ("POST", "/v1/decode", {"json": {}, **secret}),
        ("GET", "/nowhere", secret),
        ("GET", "/metrics", {}),
    )
    fields = [line.split()[2:5] for line in lines]
    assert sorted(fields) == [
        ["GET", "/metrics", "401"],
        ["GET", "/nowhere", "404"],
        ["GET", "/v1/model", "200"],
        ["POST", "/v1/decode", "422"],
    ]
    assert "secret" not in "".join(lines) and TOKEN not in "".join(lines)


def test_the_log_has_the_bytes_of_the_answer(locked):
    response = ask(locked, "GET", "/health")
    (line,) = logged(locked, ("GET", "/health", {}))
    assert int(line.split()[5]) == len(response.content)


@pytest.mark.parametrize(
    "path", [b"/a b", b"/\x1b[31mred", b"/line\n2026-01-01 forged", b"/" + b"\xe9" * 5000, b"\\x0a"]
)
def test_text_of_strangers_is_one_short_field(path: bytes):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"12345"})

    async def send(message):
        pass

    stream = StringIO()
    scope = {"type": "http", "method": "M" * 5000, "client": ("\x1b 1", 1), "raw_path": path}
    log = AccessLog(app, stream)
    asyncio.run(log({**scope, "path": ""}, send, send))  # type: ignore[arg-type]
    log.drain()
    line = stream.getvalue()
    assert LINE.fullmatch(line)
    assert line.isascii() and line[:-1].isprintable()
    assert len(line) < 400
    assert line.split()[5] == "5"


def test_a_request_whose_client_has_gone_is_logged():
    async def app(scope, receive, send):
        return

    async def nothing(message=None):
        return {}

    stream = StringIO()
    scope = {"type": "http", "method": "GET", "path": "/", "client": None}
    log = AccessLog(app, stream)
    asyncio.run(log(scope, nothing, nothing))
    log.drain()
    assert LINE.fullmatch(stream.getvalue())
    assert stream.getvalue().split()[1:5] == ["-", "GET", "/", "-"]


def test_a_stream_that_nobody_reads_holds_no_request(locked):
    class Stuck(StringIO):
        def write(self, text: str, /) -> int:
            read.wait()
            return super().write(text)

    read, stream = threading.Event(), Stuck()
    log = AccessLog(locked, stream)
    ask_all(log, [("GET", "/health", {})] * 1100)
    assert stream.getvalue() == ""
    read.set()
    log.drain(5.0)
    assert 1000 <= stream.getvalue().count("\n") <= 1001


def test_the_address_of_a_client_is_that_of_its_connection(small_run):
    stream = StringIO()
    with vaekit.serve(small_run, port=0, access_log=stream, ready=quiet, background=True) as server:
        httpx.get(f"{server.url}/health", headers={"X-Forwarded-For": "6.6.6.6"})
        httpx.get(f"{server.url}/health", headers={"X-Forwarded-Proto": "https"})
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["127.0.0.1"] * 2


def test_a_stream_that_has_been_closed_ends_no_request(small_run):
    stream = StringIO()
    stream.close()
    with vaekit.serve(small_run, port=0, access_log=stream, ready=quiet, background=True) as server:
        assert [httpx.get(f"{server.url}/health").status_code for _ in range(2)] == [200, 200]


# --- The command line ----------------------------------------------------------------------------


@pytest.fixture
def serve_once(monkeypatch, cli, small_run):
    """Run the command until its server has answered; returns status of the answer, and output."""

    def run(*options: object, headers: dict[str, str] | None = None) -> tuple[int, str, str]:
        statuses: list[int] = []

        def serve_app(make_app, host, port, *, ready, tls):
            with RunningServer(make_app, host, 0, tls=tls) as server:
                ready(server.url)
                statuses.append(httpx.get(f"{server.url}/v1/model", headers=headers).status_code)

        monkeypatch.setattr(SERVE_MODULE, "serve_app", serve_app)
        status, out, err = cli("serve", small_run.path, *options)
        assert status == 0, err
        return statuses[0], out, err

    return run


def test_the_command_prints_a_line_per_request(serve_once):
    status, _, err = serve_once()
    assert status == 200
    assert LINE.fullmatch(err)
    assert serve_once("--no-access-log")[2] == ""


def test_the_command_takes_the_token_from_a_file_and_never_prints_it(
    serve_once, tmp_path, monkeypatch
):
    (tmp_path / "my token").write_text(TOKEN)
    refused, *printed = serve_once("--token-file", tmp_path / "my token")
    answered, *also_printed = serve_once("--token-file", "my token", headers=AUTHORIZED)
    monkeypatch.setenv("VAEKIT_TOKEN", TOKEN)
    by_variable = serve_once()
    assert (refused, answered, by_variable[0]) == (401, 200, 401)
    assert TOKEN not in "".join([*printed, *also_printed, *by_variable[1:]])
    assert "Authorization" in printed[0] and "Authorization" in by_variable[1]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        (("--token-file", "missing"), "--token-file"),
        (("--tls-certificate", "missing"), "--tls-certificate"),
        (("--tls-key", "missing"), "--tls-certificate"),
    ],
)
def test_unusable_files_name_their_option(small_run, refused, options, option: str):
    assert option in refused("serve", small_run.path, *options)


def test_an_empty_variable_is_no_open_server(small_run, refused, monkeypatch):
    monkeypatch.setenv("VAEKIT_TOKEN", "")
    assert "VAEKIT_TOKEN" in refused("serve", small_run.path)
