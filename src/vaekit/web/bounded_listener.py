"""A listening socket with a bounded number of open connections."""

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Collection
from typing import Any

MAX_CONNECTIONS = 1000
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Failures to accept a connection for want of descriptors or memory."""
RETRY_SECONDS = 0.5
"""Less than asyncio waits before it accepts again."""
QUIET_SECONDS = 60.0
"""Seconds between two warnings."""

logger = logging.getLogger(__name__)


def connection_limit() -> int:
    """Half of the descriptors that this process may open, at most a thousand connections."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MAX_CONNECTIONS
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, descriptors // 2))


class BoundedListener(socket.socket):
    """A listening socket that closes new connections while too many are open.

    Connections are bounded here, not by the server, because a server that accepts all connections
    may run out of descriptors before it looks at any. One line per minute says so in the log.

    >>> listener = BoundedListener(socket.AF_INET, socket.SOCK_STREAM)
    >>> listener.is_full
    False
    >>> listener.close()
    """

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.max_connections = connection_limit()
        self._accepted: dict[socket.socket, float] = {}
        self._retry_time = 0.0
        self._quiet_until = 0.0

    @property
    def is_full(self) -> bool:
        """Whether new connections are closed."""
        if len(self._accepted) >= self.max_connections:
            self._forget_closed()
        return len(self._accepted) >= self.max_connections

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection, for asyncio, which ignores the errors of closed ones.

        Raises:
            ConnectionAbortedError: The connection was closed, because too many are open.
            BlockingIOError: No connection waits, or descriptors were exhausted a moment ago.
            OSError: Descriptors are exhausted; asyncio accepts no connection for a second.
        """
        if time.monotonic() < self._retry_time:
            raise BlockingIOError
        try:
            connection, address = super().accept()
        except OSError as error:
            if error.errno in EXHAUSTED:
                self._retry_time = time.monotonic() + RETRY_SECONDS
                self._warn(f"{error.strerror}: no connection is accepted for a second")
            raise
        if self.is_full:
            connection.close()
            self._warn(f"{self.max_connections} connections are open: new ones are closed")
            raise ConnectionAbortedError
        self._accepted[connection] = time.monotonic()
        return connection, address

    def end_handshakes(self, served: Collection[int], max_seconds: float) -> None:
        """Shut down connections that the server does not know yet, as their TLS handshake lasts.

        Args:
            served: Descriptors of the connections that the server knows.
            max_seconds: The age of a connection from which it is shut down.
        """
        self._forget_closed()
        oldest = time.monotonic() - max_seconds
        for connection, accepted_time in self._accepted.items():
            if accepted_time < oldest and connection.fileno() not in served:
                _shut_down(connection)

    def _forget_closed(self) -> None:
        self._accepted = {
            connection: accepted_time
            for connection, accepted_time in self._accepted.items()
            if connection.fileno() >= 0
        }

    def _warn(self, problem: str) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            logger.warning("%s. Raise the limit of open files, or limit clients.", problem)


def ignore_exhaustion(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An exception handler of an event loop that leaves exhausted descriptors to the listener."""
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno in EXHAUSTED and "socket" in context):
        loop.default_exception_handler(context)


def _shut_down(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # the client has gone
        return
