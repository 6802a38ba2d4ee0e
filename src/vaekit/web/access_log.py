"""A line per request, in which nothing of a client is more than text."""

import queue
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from vaekit.web.guard import App, Message, Receive, Scope, Send

MAX_SHOWN_CHARACTERS = 100
MAX_WAITING_LINES = 1000


class Stream(Protocol):
    """A stream of text."""

    def write(self, text: str, /) -> object:
        """Write text."""
        ...

    def flush(self) -> None:
        """Write what is in the buffer."""
        ...


class AccessLog:
    """An ASGI app whose requests are logged: time, client, method, path, status, bytes, time taken.

    The query and the headers are left out, and with them every secret. If the stream takes no more
    lines, a thousand wait, and further ones are lost.

    Args:
        app: The app.
        stream: The stream that gets the lines.

    >>> import sys
    >>> def with_log(app: App) -> App:
    ...     return AccessLog(app, sys.stderr)
    """

    def __init__(self, app: App, stream: Stream):
        self._app = app
        self._lines: queue.Queue[str | None] = queue.Queue(MAX_WAITING_LINES)
        threading.Thread(target=self._write_lines, args=(stream,), daemon=True).start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return self._end()
        start = time.perf_counter()
        status = "-"  # the client has gone before an answer
        sent = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status, sent
            status = message.get("status", status)
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            milliseconds = 1000 * (time.perf_counter() - start)
            self._write(f"{_request(scope)} {status} {sent} {milliseconds:.1f}ms")

    def _write(self, line: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with suppress(queue.Full):
            self._lines.put_nowait(f"{now} {line}\n")

    def _write_lines(self, stream: Stream) -> None:
        """Write in a thread of its own: a stream that nobody reads must hold no request."""
        while (line := self._lines.get()) is not None:
            stream.write(line)
            stream.flush()
            self._lines.task_done()

    def _end(self) -> None:
        self.drain()
        with suppress(queue.Full):
            self._lines.put_nowait(None)

    def drain(self, seconds: float = 1.0) -> None:
        """Wait until the stream has all lines, but not for long."""
        deadline = time.monotonic() + seconds
        while self._lines.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)


def _request(scope: Scope) -> str:
    """Client, method and path of a request."""
    client = scope.get("client") or ("-", 0)
    path = scope.get("raw_path") or scope["path"].encode()
    parts = (str(client[0]), scope["method"], path.decode("latin-1"))
    return " ".join(_printable(part) or "-" for part in parts)


def _printable(text: str) -> str:
    """Text without spaces, marks of a terminal or line ends, shortened."""
    start = text[: MAX_SHOWN_CHARACTERS + 1]
    shown = start.encode("unicode_escape").decode().replace(" ", "\\x20")
    return shown if len(shown) <= MAX_SHOWN_CHARACTERS else f"{shown[:MAX_SHOWN_CHARACTERS]}..."
