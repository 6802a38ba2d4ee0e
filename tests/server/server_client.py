"""What the tests of the server share: an app asked in this process, and a server of its own."""

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

NPY = {"content-type": "application/x-npy"}


def served(run: Run, **limits: Any):
    """The app of a run, for loopback names."""
    return application(run, hosts=LOOPBACK, limits=Limits(**limits))


def ask(app, method: str, path: str, **request: Any) -> httpx.Response:
    """One request, whose answer is of the kind that every answer must be."""
    (found,) = ask_all(app, [(method, path, request)])
    return found


def ask_all(app, requests: list[tuple[str, str, dict[str, Any]]]) -> list[httpx.Response]:
    """Requests at the same time, in one loop."""

    async def together() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", timeout=60
        ) as client:
            return await asyncio.gather(
                *(client.request(method, path, **given) for method, path, given in requests)
            )

    found = asyncio.run(together())
    for response in found:
        assert response.headers["x-content-type-options"] == "nosniff"
        if response.status_code >= 400:
            check_error(response)
    return found


def check_error(response: httpx.Response) -> None:
    """An error is JSON with one line, which gives nothing away."""
    assert response.headers["content-type"] == "application/json"
    given = response.json()
    assert set(given) == {"error"}
    assert given["error"] and "\n" not in given["error"] and len(given["error"]) < 1500
    assert "Traceback" not in given["error"] and ".py" not in given["error"]


def post(
    app, name: str, body: dict[str, Any] | bytes | np.ndarray, **request: Any
) -> httpx.Response:
    return ask(app, "POST", f"/v1/{name}", **sent(body), **request)


def sent(body: dict[str, Any] | bytes | np.ndarray) -> dict[str, Any]:
    """A body as httpx takes it: JSON, .npy, or bytes that claim to be .npy."""
    if isinstance(body, dict):
        return {"json": body}
    return {"content": npy(body) if isinstance(body, np.ndarray) else body, "headers": NPY}


def npy(array: np.ndarray) -> bytes:
    file = BytesIO()
    np.save(file, array, allow_pickle=array.dtype.hasobject)
    return file.getvalue()


def arrays(response: httpx.Response) -> dict[str, np.ndarray]:
    """What an answer holds, by name; "" of a lone array."""
    assert response.status_code == 200, response.text
    media = response.headers["content-type"]
    if media == "application/json":
        return {
            name: np.array(value)
            for name, value in json.loads(response.text, parse_constant=no_constant).items()
        }
    found = np.load(BytesIO(response.content), allow_pickle=False)
    return {"": found} if media == "application/x-npy" else dict(found)


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} in JSON")


def figures(app) -> dict[str, float]:
    """What /metrics says, by series."""
    lines = ask(app, "GET", "/metrics").text.splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    }


@contextmanager
def process(run: Run, *options: str) -> Iterator[str]:
    """A server in a process of its own, and its address; it ends by Ctrl-C, with status 0 and without a word."""
    with running("from vaekit import cli; cli.main()", *serve(run), *options) as (_, address):
        yield address


def serve(run: Run) -> tuple[str, ...]:
    """What the command line is told."""
    return "serve", str(run.path), "--port", "0", "--json"


@contextmanager
def running(
    code: str, *arguments: str, status: int = 0
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Python in a process of its own that prints the address of a server as JSON, and that; it ends by Ctrl-C at the latest."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            said = "".join(iter(server.stdout.readline, "}\n")) + "}"
            yield server, json.loads(said)["address"]
        finally:
            server.send_signal(signal.SIGINT)
            rest, errors = server.communicate(timeout=60)
        assert (server.returncode, rest, errors) == (status, "", "")
