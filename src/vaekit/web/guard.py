"""A guard in front of an ASGI app.

A web page in a browser must not reach a server on the same machine: neither under a host name of
its own that resolves to this machine (DNS rebinding, which the Host header shows), nor by a form or
a script (which the Origin header shows).
"""

import asyncio
import contextlib
import ipaddress
import json
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from vaekit.web.bearer_token import BearerToken

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that other machines cannot reach."""

SHUTTING_DOWN = "the server is shutting down. Send the request again later."

HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)]|([A-Za-z0-9._-]+))(?::[0-9]*)?")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MAX_BODIES = 16
"""Bodies of the largest size that are in memory together."""
MAX_LENGTH_DIGITS = 18
MAX_SHOWN = 100
CLOSE = ((b"connection", b"close"),)
"""The bytes that follow the header of a refused request may be another request in disguise."""
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Headers(NamedTuple):
    """The headers of a request."""

    items: list[tuple[bytes, bytes]]

    def all(self, name: str) -> list[str]:
        """The values of a header, whose name is in lower case."""
        key = name.encode()
        return [value.decode("latin-1") for each, value in self.items if each == key]


class Refusal(NamedTuple):
    """Status and reason of a refused request."""

    status: int
    reason: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def hosts_for(host: str) -> tuple[str, ...] | None:
    """The names that requests may have in their Host header if the server listens on `host`.

    Args:
        host: The address or name that the server listens on.

    Returns:
        The names of this machine for a loopback address; None, any name, for others.

    >>> hosts_for("127.0.0.1"), hosts_for("0.0.0.0")
    (('127.0.0.1', 'localhost', '::1'), None)
    """
    address = _address(host)
    if address is None or not address.is_loopback:
        return None
    return tuple(dict.fromkeys((*LOOPBACK, host.lower(), str(address))))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a server on `host` listens on; None if there is none."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        address = ipaddress.ip_address(str(found[0][4][0]))
    except (OSError, UnicodeError, ValueError):
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Guard:
    """An ASGI app that refuses unsafe requests and adds security headers to every answer.

    A refused request gets `{"error": "one line"}`: 400 for an invalid Host header, or a body of two
    lengths, which also closes the connection; 401 without the token; 403 for a request that changes
    something and comes from a page of another origin, 413 for a body that is too large, 421 for
    another host, 503 if too many bodies are in progress. After the app's shutdown event, new
    requests, requests whose body is incomplete and requests that the server cancels get 503.

    Args:
        app: The guarded app.
        hosts: Names, without ports, that the Host header may have; None: any.
        max_bytes: Bytes of one body, declared or not; 16 such bodies may be in memory together.
        headers: More headers of every answer, such as a Content-Security-Policy.
        token: The bearer token of every request; None: none is needed.
        open_paths: Paths that need no token.

    >>> guard = Guard(app, hosts=LOOPBACK, max_bytes=2**20, headers={})  # doctest: +SKIP
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: Collection[str] | None,
        max_bytes: int,
        headers: Mapping[str, str],
        token: BearerToken | None = None,
        open_paths: Collection[str] = (),
    ):
        self.app = app
        self.token = token
        self.open_paths = frozenset(open_paths)
        self.max_bytes = max_bytes
        self.hosts = None if hosts is None else {host.lower() for host in hosts}
        self.headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in {**SECURITY_HEADERS, **headers}.items()
        ]
        self.body_bytes = 0
        self.receiving: set[asyncio.Task[Any]] = set()
        self.shutting_down = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, self._watch_shutdown(receive), send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        exchange = _Exchange(self, receive, send)
        if refusal := self._check_request(scope):
            return await exchange.refuse(refusal)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if not self.shutting_down or exchange.started:
                raise
            await exchange.refuse(Refusal(503, SHUTTING_DOWN))
        except Exception:
            if not exchange.refused:  # if refused, the app only reports that it got no body
                raise
        finally:
            self.body_bytes -= exchange.received

    def _watch_shutdown(self, receive: Receive) -> Receive:
        """`receive` of the app's lifespan; shutdown cancels requests without their body."""

        async def receive_and_watch() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.shutting_down = True
                for task in self.receiving:
                    task.cancel()
            return message

        return receive_and_watch

    @contextlib.contextmanager
    def waiting_for_body(self) -> Iterator[None]:
        """The context in which the current task waits for its client."""
        task = asyncio.current_task()
        assert task is not None
        self.receiving.add(task)
        try:
            yield
        finally:
            self.receiving.discard(task)

    def _check_request(self, scope: Scope) -> Refusal | None:
        """The refusal of a request by its headers, or because the server is shutting down."""
        if self.shutting_down:
            return Refusal(503, SHUTTING_DOWN)
        headers = Headers(scope["headers"])
        hosts = headers.all("host")
        refusal = _check_framing(scope, headers) or self._check_host(hosts)
        if refusal is None and scope["path"] not in self.open_paths:
            refusal = self._check_token(headers.all("authorization"))
        if refusal is None and scope["method"] not in SAFE_METHODS:
            refusal = _check_origins(headers.all("origin"), hosts[0])
        return refusal or self._check_length((headers.all("content-length") or ["0"])[-1])

    def _check_token(self, values: list[str]) -> Refusal | None:
        if self.token is None or self.token.matches(values):
            return None
        return Refusal(
            401,
            "the bearer token is missing or wrong. Send it as Authorization: Bearer TOKEN.",
            ((b"www-authenticate", b"Bearer"),),
        )

    def _check_host(self, hosts: list[str]) -> Refusal | None:
        name = host_name(hosts[0]) if len(hosts) == 1 else None
        if name is None:
            return Refusal(400, "the Host header is invalid: expected one name or address.", CLOSE)
        if self.hosts is None or name in self.hosts:
            return None
        expected = ", ".join(sorted(self.hosts))
        return Refusal(421, f"unknown host: got {name[:MAX_SHOWN]!a}, expected one of {expected}.")

    def _check_length(self, digits: str) -> Refusal | None:
        if not (digits.isascii() and digits.isdecimal()):
            reason = "the Content-Length header is invalid: expected a whole number."
            return Refusal(400, reason, CLOSE)
        if len(digits) > MAX_LENGTH_DIGITS or int(digits) > self.max_bytes:
            return self._too_large()
        return None

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            f"the body is too large: expected at most {self.max_bytes:,} bytes. "
            "Send several requests.",
        )

    def count_bytes(self, count: int, received: int) -> Refusal | None:
        """Count received bytes.

        Args:
            count: New bytes of a request.
            received: All its bytes.

        Returns:
            The refusal of the request if there are too many bytes.
        """
        self.body_bytes += count
        if received > self.max_bytes:
            return self._too_large()
        if self.body_bytes > MAX_BODIES * self.max_bytes:
            return Refusal(
                503,
                "too many large requests are in progress. Try again later, or send smaller ones.",
            )
        return None


class _Exchange:
    """One request and its answer: received bytes are counted, headers added to the answer."""

    def __init__(self, guard: Guard, receive: Receive, send: Send):
        self._guard = guard
        self._receive = receive
        self._send = send
        self.received = 0
        self.refused = False
        self.started = False

    async def receive(self) -> Message:
        """The next message of the client; a disconnect if the request is refused."""
        if self.refused:
            return {"type": "http.disconnect"}
        with self._guard.waiting_for_body():
            message = await self._receive()
        count = len(message.get("body", b""))
        self.received += count
        refusal = self._guard.count_bytes(count, self.received)
        if refusal is None:
            return message
        if not self.started:
            await self.refuse(refusal)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a message of the app, unless the request is refused."""
        if not self.refused:
            await self._send_with_headers(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Send an error in the place of the app's answer."""
        self.refused = True
        body = json.dumps({"error": refusal.reason}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        if refusal.status == 503:
            headers.append((b"retry-after", b"1"))
        headers += refusal.headers
        start = {"type": "http.response.start", "status": refusal.status, "headers": headers}
        await self._send_with_headers(start)
        await self._send_with_headers({"type": "http.response.body", "body": body})

    async def _send_with_headers(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            present = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in self._guard.headers if name not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)


def _check_framing(scope: Scope, headers: Headers) -> Refusal | None:
    """The refusal of a request whose end a proxy in front of the server may see elsewhere."""
    if not headers.all("transfer-encoding"):
        return None
    if headers.all("content-length"):
        reason = "the body has two lengths: expected Content-Length or Transfer-Encoding, not both."
        return Refusal(400, reason, CLOSE)
    if scope.get("http_version") == "1.0":
        reason = "HTTP/1.0 has no Transfer-Encoding. Send Content-Length, or use HTTP/1.1."
        return Refusal(400, reason, CLOSE)
    return None


def _check_origins(origins: list[str], host: str) -> Refusal | None:
    """The refusal of a request that comes from a page of another origin."""
    for origin in origins:
        if origin.partition("://")[2].lower() != host.lower():
            return Refusal(
                403,
                f"a page of another origin sent the request: got {origin[:MAX_SHOWN]!a}. "
                "Use a program, or a page of this server.",
            )
    return None


def host_name(header: str) -> str | None:
    """The name in a Host header, without its port, in lower case; None if the header is invalid.

    >>> host_name("LocalHost:8000"), host_name("[::1]:8000"), host_name("a b")
    ('localhost', '::1', None)
    """
    match = HOST.fullmatch(header)
    return (match[1] or match[2]).lower().removesuffix(".") if match else None
