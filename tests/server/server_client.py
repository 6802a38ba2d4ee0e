"""Clients for the tests of the server: an app in this process, and a server of its own process."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import httpx
import numpy as np

from vaekit.runs import Run
from vaekit.server import Limits
from vaekit.web import LOOPBACK
from vaekit.workflows.serve import application

JSON = {"content-type": "application/json"}
NPY = {"content-type": "application/x-npy"}


def served(run: Run, **limits: Any):
    """The app of a run, for loopback names."""
    return application(run, hosts=LOOPBACK, limits=Limits(**limits))


def ask(app, method: str, path: str, **request: Any) -> httpx.Response:
    """The answer to one request, whose headers and error are checked."""
    (response,) = ask_all(app, [(method, path, request)])
    return response


def ask_all(app, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
    """The answers to concurrent requests in one event loop."""

    async def send_all() -> list[httpx.Response]:
        async with client(app) as one:
            return await asyncio.gather(
                *(one.request(method, path, **request) for method, path, request in requests)
            )

    responses = asyncio.run(send_all())
    for response in responses:
        assert response.headers["x-content-type-options"] == "nosniff"
        if response.status_code >= 400:
            check_error(response)
    return responses


def client(app) -> httpx.AsyncClient:
    """A client of an app in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60)


def check_error(response: httpx.Response) -> None:
    """An error is JSON with one line, without internals of the server."""
    assert response.headers["content-type"] == "application/json"
    content = response.json()
    assert set(content) == {"error"}
    message = content["error"]
    assert message.endswith(".") and "\n" not in message and len(message) < 1500
    assert "Traceback" not in message and ".py" not in message
    assert "--" not in message  # a flag of the command line


def post(
    app, name: str, body: dict[str, Any] | bytes | np.ndarray, **request: Any
) -> httpx.Response:
    """The answer of an endpoint."""
    return ask(app, "POST", f"/v1/{name}", **as_request(body), **request)


def post_json(app, name: str, body: bytes):
    """The answer to bytes that are declared as JSON."""
    return ask(app, "POST", f"/v1/{name}", content=body, headers=JSON)


def check_refused(response, status: int, *names: str) -> None:
    """The answer is an error with this status, which names these fields, headers or values."""
    assert response.status_code == status, response.text
    check_error(response)
    for name in names:
        assert name in response.json()["error"]


def as_request(body: dict[str, Any] | bytes | np.ndarray) -> dict[str, Any]:
    """A body as httpx takes it: JSON, .npy, or bytes that are declared as .npy."""
    if isinstance(body, dict):
        return {"json": body}
    return {"content": npy(body) if isinstance(body, np.ndarray) else body, "headers": NPY}


def npy(array: np.ndarray) -> bytes:
    """An array as numpy.save writes it."""
    file = BytesIO()
    np.save(file, array, allow_pickle=array.dtype.hasobject)
    return file.getvalue()


def arrays(response: httpx.Response) -> dict[str, np.ndarray]:
    """The arrays of an answer by name; the name of a lone array is empty."""
    assert response.status_code == 200, response.text
    media = response.headers["content-type"]
    if media == "application/json":
        content = json.loads(response.text, parse_constant=refuse_constant)
        return {name: np.array(value) for name, value in content.items()}
    content = np.load(BytesIO(response.content), allow_pickle=False)
    return {"": content} if media == "application/x-npy" else dict(content)


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} in JSON")


def metrics(app) -> dict[str, float]:
    """The metrics of a server by series."""
    return parse_metrics(ask(app, "GET", "/metrics").text)


def parse_metrics(text: str) -> dict[str, float]:
    """The values in the format of Prometheus by series."""
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


@contextmanager
def serving(run: Run, *options: str) -> Iterator[str]:
    """A server in its own process, and its address; Ctrl-C ends it with status 0, silently."""
    arguments = ("serve", str(run.path), "--port", "0", "--json", "--no-access-log", *options)
    with running("from vaekit import cli; cli.main()", *arguments) as (_, address):
        yield address


@contextmanager
def running(
    code: str, *arguments: str, status: int = 0
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Python in its own process, which prints the address of a server as JSON, and that address.

    At the end it gets Ctrl-C; it must have ended with `status` and must have printed nothing else.
    """
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            printed = "".join(iter(server.stdout.readline, "}\n")) + "}"
            yield server, json.loads(printed)["address"]
        finally:
            server.send_signal(signal.SIGINT)
            rest, errors = server.communicate(timeout=60)
        assert (server.returncode, rest, errors) == (status, "", "")
