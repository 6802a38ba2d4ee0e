"""A web server on this machine with configurable faults, and a cache folder for one test."""

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Answer:
    """The answer to requests of one path.

    Attributes:
        content: The file.
        status: The status of complete answers.
        ranges: Whether requested ranges are "honored", "ignored", "shifted" or "refused".
        breaks: The bytes after which the next connections break off.
        declared: Whether the answer has its length.
        stalls: Whether the connection stays open after the content.
        location: The target of a redirect.
        sent: Whether the content was sent to its end.
    """

    content: bytes = b""
    status: int = 200
    ranges: str = "honored"
    breaks: list[int] = field(default_factory=list)
    declared: bool = True
    stalls: bool = False
    location: str = ""
    sent: bool = False


class Handler(BaseHTTPRequestHandler):
    """Send the configured answers."""

    server: "Server"

    def do_GET(self):
        """Answer one request."""
        answer = self.server.answers.get(self.path)
        requested = self.headers["Range"]
        self.server.log.append((self.path, requested))
        if answer is None:
            return self.send_error(404)
        start = 0
        if requested and answer.ranges != "ignored":
            start = int(re.findall(r"\d+", requested)[0])
        if start and (answer.ranges == "refused" or start >= len(answer.content)):
            return self.send_error(416)
        first = start // 2 if answer.ranges == "shifted" else start
        body = answer.content[first:]
        self.send_response(206 if start else answer.status)
        if start:
            size = len(answer.content)
            self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
        if answer.declared:
            self.send_header("Content-Length", str(len(body)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(body[: answer.breaks.pop(0)] if answer.breaks else body)
        answer.sent = True
        if answer.stalls:
            self.wfile.flush()
            self.server.ended.wait(5)
        return None

    def log_message(self, *_):
        """Print nothing."""


class Server(ThreadingHTTPServer):
    """A server of files.

    Attributes:
        answers: The answers by path.
        log: Path and requested range of every request.
        ended: Set when the test has ended.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.log: list[tuple[str, str | None]] = []
        self.ended = threading.Event()

    def handle_error(self, request, client_address):
        """Print nothing about clients that close a connection early."""

    def offer(self, path: str, *args, **options) -> str:
        """Add an answer; its address."""
        self.answers[path] = Answer(*args, **options)
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture
def server(monkeypatch):
    """A running server."""
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
    """The folder that named datasets are downloaded to; $VAEKIT_DATA is not set."""
    monkeypatch.delenv("VAEKIT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/vaekit"
