"""A server on this machine that misbehaves as told, and folders of a test's own for data and downloads."""

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Answer:
    """What the server sends for one path."""

    content: bytes = b""
    status: int = 200
    ranges: str = "honoured"  # or ignored, shifted, refused
    breaks: list[int] = field(default_factory=list)  # bytes after which the next connections break
    declared: bool = True  # the length
    stalls: bool = False
    location: str = ""
    sent: bool = False  # to the end


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answer, wanted = self.server.answers.get(self.path), self.headers["Range"]  # type: ignore[attr-defined]
        self.server.log.append((self.path, wanted))  # type: ignore[attr-defined]
        if answer is None:
            return self.send_error(404)
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and answer.ranges != "ignored" else 0
        if start and (answer.ranges == "refused" or start >= len(answer.content)):
            return self.send_error(416)
        first = start // 2 if answer.ranges == "shifted" else start
        body = answer.content[first:]
        self.send_response(206 if start else answer.status)
        if start:
            self.send_header(
                "Content-Range", f"bytes {first}-{len(answer.content) - 1}/{len(answer.content)}"
            )
        if answer.declared:
            self.send_header("Content-Length", str(len(body)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(body[: answer.breaks.pop(0)] if answer.breaks else body)
        answer.sent = True
        if answer.stalls:
            self.wfile.flush()
            self.server.ended.wait(5)  # type: ignore[attr-defined]
        return None

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """`answers` by path; `log` holds (path, Range) of every request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.log: list[tuple[str, str | None]] = []
        self.ended = threading.Event()

    def handle_error(self, request, client_address):
        """Clients that hang up early are part of the tests."""

    def offer(self, path: str, *args, **options) -> str:
        self.answers[path] = Answer(*args, **options)
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.ended.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder that named data are downloaded to; $VAEKIT_DATA is not set."""
    monkeypatch.delenv("VAEKIT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/vaekit"
