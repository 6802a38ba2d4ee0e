"""A socket to listen on, and uvicorn on it: no client keeps anything for ever, and the end is quiet and soon."""

import asyncio
import atexit
import contextlib
import errno
import gc
import signal
import socket
import time
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from vaekit.errors import ConfigError, OutputError
from vaekit.web.guard import App

if TYPE_CHECKING:
    import uvicorn

PATIENCE = 30.0  # seconds for the header of a request to come whole, and for a client to take more of its answer
GRACE = 10.0  # seconds for what is being answered, once the server ends
HERE = "such as 127.0.0.1, or 0.0.0.0 for all addresses of this machine"


def serve_app(
    make: Callable[[], App],
    host: str,
    port: int,
    *,
    ready: Callable[[str], None],
    extra: str = "serve",
) -> None:
    """Serve an app by uvicorn until Ctrl-C, which ends it quietly: requests that wait are refused, what is computed is ended.

    make: gives the app, once the port is had. host: an address or name of this machine. port: 0 for any that is free.
    ready: told the address once it listens. extra: of vaekit, which brings what the app needs.

    Raises ConfigError for a host or port that cannot be, or where uvicorn is not installed, OutputError for a port that is
    taken or not allowed.

    >>> listen(lambda: app, "127.0.0.1", 0, ready=print)  # doctest: +SKIP
    """
    try:
        import uvicorn
    except ImportError as error:
        raise missing_package(error, extra) from None
    bound = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{bound.getsockname()[1]}"
    quiet = {"access_log": False, "log_config": None, "log_level": "error", "server_header": False}
    with bound:
        server = _server(uvicorn.Config(make(), ws="none", **quiet), lambda: ready(address))
        try:
            with _loaded_for_good():
                server.run(sockets=[bound])
        except KeyboardInterrupt:
            atexit.register(
                signal.signal, signal.SIGINT, signal.SIG_IGN
            )  # another one would only show how Python ends


def _server(config: "uvicorn.Config", ready: Callable[[], None]) -> "uvicorn.Server":
    """uvicorn's server, which waits for no client for ever, neither while it runs nor when it ends."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            self.idle = _Idle()
            await super().startup(sockets)
            ready()

        async def on_tick(self, counter: int) -> bool:
            if counter % 10 == 0:  # each second
                self.idle.end(self.server_state.connections)
            return await super().on_tick(counter)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """The app is told at once: uvicorn by itself waits for all connections first, whoever holds them."""
            ending = asyncio.create_task(self._end())
            await super().shutdown(sockets)
            await ending

        async def _end(self) -> None:
            state, late = self.server_state, time.monotonic() + GRACE
            telling = asyncio.create_task(self.lifespan.shutdown())
            while (
                (state.connections or state.tasks)
                and not self.force_exit
                and time.monotonic() < late
            ):
                await asyncio.sleep(0.05)
            if tasks := list(state.tasks):
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks, timeout=1)
            _Idle.abort(state.connections)
            await telling

    return Server(config)


class _Idle:
    """Connections on which nothing goes on: no request has come whole, or none of its answer is taken."""

    def __init__(self):
        self._since: dict[tuple[Any, ...], float] = {}

    def end(self, connections: Collection[Any]) -> None:
        """End those that have been so for `PATIENCE` seconds, as uvicorn's protocols let them be."""
        idle = [one for one in connections if one.cycle is None or one.cycle.response_complete]
        states = [(one, one.cycle, one.transport.get_write_buffer_size()) for one in idle]
        now = time.monotonic()
        self._since = {state: self._since.get(state, now) for state in states}
        self.abort([one for (one, *_), since in self._since.items() if now - since > PATIENCE])

    @staticmethod
    def abort(connections: Collection[Any]) -> None:
        for connection in list(connections):
            connection.transport.abort()


@contextlib.contextmanager
def _loaded_for_good() -> Iterator[None]:
    """Keep the collector from looking through all that was loaded, torch alone some 0.2 s, while everybody waits."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _bind(host: str, port: int) -> socket.socket:
    """A socket at the address, taken now, so that a place that cannot be had is known before anything starts."""
    if not 0 <= port <= 65_535:
        raise ConfigError(f"port {port}: allowed are 1 to 65535, and 0 for any that is free")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise ConfigError(f"host {host!r} is not known: choose another --host, {HERE}") from None
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError(
                f"host {host!r} is no address of this machine: choose another --host, {HERE}"
            ) from None
        raise OutputError(
            f"port {port} of {host} cannot be listened on, {(error.strerror or str(error)).lower()}: "
            "choose another --port, 0 for any that is free"
        ) from None
    return bound


def missing_package(error: ImportError, extra: str) -> ConfigError:
    """What to say where a package that servers need is not installed, and the extra of vaekit that brings it."""
    return ConfigError(f'{error.name} is not installed: pip install "vaekit[{extra}]"')
