"""A guard before an ASGI app.

A page in somebody's browser must not reach a server on the same machine: not under a name that leads there (DNS rebinding,
which the Host header betrays), not by a form or a script (which the Origin header betrays).
"""

import asyncio
import contextlib
import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The names of this machine, for itself only."""

HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)]|([A-Za-z0-9._-]+))(?::[0-9]*)?")
SAFE = ("GET", "HEAD", "OPTIONS")
BODIES = 16  # of the largest size, held in memory at once
ENDING = "the server is shutting down"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def hosts_for(host: str) -> tuple[str, ...] | None:
    """The names that requests may ask for where `host` is listened on: a loopback address's own; None, any, of another.

    >>> hosts_for("127.0.0.1"), hosts_for("0.0.0.0")
    (('127.0.0.1', 'localhost', '::1'), None)
    """
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return tuple(dict.fromkeys((*LOOPBACK, host)))
    return LOOPBACK if host in LOOPBACK else None


class Guard:
    """An ASGI app that lets through to `app` what may pass, and adds security headers to every answer.

    hosts: the names, ports apart, that the Host header may hold; None: any.
    most_bytes: of a body, declared or not; so many times `BODIES` of all requests in progress together.
    headers: further ones for every answer, such as a Content-Security-Policy.

    What is refused gets `{"error": "one line"}`: 400 for a Host header that is none, 403 for a change asked for by a page of
    another origin, 413 for a body too large, 421 for another host, 503 where too many bodies are in progress. Once the app is
    told to shut down, 503 for what comes, for what waits for its body, and for what the server cancels.

    >>> guarded = Guard(app, hosts=LOOPBACK, most_bytes=2**20, headers={})  # doctest: +SKIP
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: Collection[str] | None,
        most_bytes: int,
        headers: Mapping[str, str],
    ):
        self.app, self.most_bytes = app, most_bytes
        self.hosts = None if hosts is None else {host.lower() for host in hosts}
        self.headers = [
            (k.lower().encode("latin-1"), v.encode("latin-1"))
            for k, v in {**ALWAYS, **headers}.items()
        ]
        self.held = 0
        self.reading: set[asyncio.Task[Any]] = set()
        self.ending = False

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, self._until_the_end(receive), send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        exchange = _Exchange(self, receive, send)
        if refused := self._refused(scope["method"], scope["headers"]):
            return await exchange.refuse(*refused)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if not self.ending or exchange.started:
                raise
            await exchange.refuse(503, ENDING)
        except Exception:
            if not exchange.refused:  # else it is the app's way to say that it got no body
                raise
        finally:
            self.held -= exchange.received

    def _until_the_end(self, receive: Receive) -> Receive:
        """The same events of the app's life; its end is that of the requests whose bodies have not come."""

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.ending = True
                for task in self.reading:
                    task.cancel()
            return message

        return heard

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """While this task waits for its client."""
        task = asyncio.current_task()
        assert task is not None
        self.reading.add(task)
        try:
            yield
        finally:
            self.reading.discard(task)

    def _refused(self, method: str, headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        """Status and reason, where the headers alone say that a request may not pass, or the server ends."""
        if self.ending:
            return 503, ENDING
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or (name := host_name(hosts[0])) is None:
            return 400, "one Host header is needed, a name or an address with or without a port"
        if self.hosts is not None and name not in self.hosts:
            allowed = ", ".join(sorted(self.hosts))
            return (
                421,
                f"this server does not answer for the host {name[:100]!a}: allowed are {allowed}",
            )
        origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
        foreign = [
            origin for origin in origins if origin.partition("://")[2].lower() != hosts[0].lower()
        ]
        if foreign and method not in SAFE:
            return (
                403,
                f"a page of {foreign[0][:100]!a} may not use this server: use a program, or its own pages",
            )
        declared = dict(headers).get(b"content-length", b"0").decode("latin-1")
        if not (declared.isascii() and declared.isdecimal()):
            return 400, "the Content-Length header must be a whole number"
        return self._too_large() if len(declared) > 18 or int(declared) > self.most_bytes else None

    def _too_large(self) -> tuple[int, str]:
        return (
            413,
            f"the body is larger than {self.most_bytes:,} bytes: send less at once, in several requests",
        )

    def take(self, count: int, received: int) -> tuple[int, str] | None:
        """Count bytes that came in, `received` of their request so far; status and reason where they are too many."""
        self.held += count
        if received > self.most_bytes:
            return self._too_large()
        if self.held > BODIES * self.most_bytes:
            return (
                503,
                "too many large requests are in progress: try again later, or send smaller ones",
            )
        return None


class _Exchange:
    """One request and its answer: bytes are counted as they come, headers added as they go."""

    def __init__(self, guard: Guard, receive: Receive, send: Send):
        self._guard, self._receive, self._send = guard, receive, send
        self.received, self.refused, self.started = 0, False, False

    async def receive(self) -> Message:
        if self.refused:
            return {"type": "http.disconnect"}
        with self._guard.waiting():
            message = await self._receive()
        count = len(message.get("body", b""))
        self.received += count
        refused = self._guard.take(count, self.received)
        if refused is None:
            return message
        if not self.started:
            await self.refuse(*refused)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """What the app says, unless the answer has been given in its place."""
        if not self.refused:
            await self._pass(message)

    async def refuse(self, status: int, reason: str) -> None:
        self.refused = True
        body = json.dumps({"error": reason}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        if status == 503:
            headers.append((b"retry-after", b"1"))
        await self._pass({"type": "http.response.start", "status": status, "headers": headers})
        await self._pass({"type": "http.response.body", "body": body})

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            given = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in self._guard.headers if name not in given]
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)


def host_name(header: str) -> str | None:
    """The name in a Host header, without its port, in lower case; None where it is no such header.

    >>> host_name("LocalHost:8000"), host_name("[::1]:8000"), host_name("a b")
    ('localhost', '::1', None)
    """
    found = HOST.fullmatch(header)
    return (found[1] or found[2]).lower().removesuffix(".") if found else None
