"""uvicorn on a socket of its own: no client holds the server for ever, and it ends soon."""

import asyncio
import atexit
import contextlib
import errno
import gc
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from vaekit.errors import ConfigError, OutputError
from vaekit.web.bounded_listener import BoundedListener, ignore_exhaustion
from vaekit.web.guard import App
from vaekit.web.tls import TLSFiles

if TYPE_CHECKING:
    import uvicorn

IDLE_SECONDS = 30.0
CROWDED_IDLE_SECONDS = 1.0
"""How long a client may do nothing while the server has as many connections as it accepts."""
SHUTDOWN_SECONDS = 10.0
MAX_PORT = 65_535
HOSTS = "an address of this machine such as 127.0.0.1, or 0.0.0.0 for all its addresses"


def serve_app(
    make_app: Callable[[], App],
    host: str,
    port: int,
    *,
    ready: Callable[[str], None],
    extra: str = "serve",
    idle_seconds: float = IDLE_SECONDS,
    shutdown_seconds: float = SHUTDOWN_SECONDS,
    tls: TLSFiles | None = None,
) -> None:
    """Serve an app by uvicorn until Ctrl-C.

    At Ctrl-C, requests that wait are refused, and running computations are ended.

    Args:
        make_app: Makes the app, after the port is bound.
        host: Address or name of this machine.
        port: The port; 0 picks a free one.
        ready: Called with the address when the server listens.
        extra: The extra of vaekit that installs what the app needs.
        idle_seconds: How long a client may send no complete header of a request, or accept
            nothing of an answer.
        shutdown_seconds: How long running requests may take after Ctrl-C.
        tls: Certificate and key, checked by `tls_files`; None for plain HTTP.

    Raises:
        ConfigError: An invalid host or port, or uvicorn is not installed.
        OutputError: A port that is in use or not allowed.

    >>> serve_app(lambda: app, "127.0.0.1", 0, ready=print)  # doctest: +SKIP
    """
    with _listening(host, port, extra, tls) as (bound, url):
        waits = Waits(idle_seconds, shutdown_seconds)
        server = _server(make_app(), bound, lambda: ready(url), waits, tls)
        try:
            with _garbage_frozen():
                server.run(sockets=[bound])
        except KeyboardInterrupt:
            # A second Ctrl-C while Python exits would only print a traceback.
            atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


class RunningServer:
    """A server in a thread of its own, until `stop`, the end of a `with` block or of the program.

    Args:
        make_app: Makes the app, after the port is bound.
        host: Address or name of this machine.
        port: The port; 0 picks a free one.
        extra: The extra of vaekit that installs what the app needs.
        tls: Certificate and key, checked by `tls_files`; None for plain HTTP.

    Attributes:
        url: The address.

    Raises:
        ConfigError: An invalid host or port, or uvicorn is not installed.
        OutputError: A port that is in use or not allowed.

    >>> with RunningServer(lambda: app, "127.0.0.1", 0) as server:  # doctest: +SKIP
    ...     print(server.url)
    """

    def __init__(
        self,
        make_app: Callable[[], App],
        host: str,
        port: int,
        *,
        extra: str = "serve",
        tls: TLSFiles | None = None,
    ):
        with contextlib.ExitStack() as stack:
            bound, self.url = stack.enter_context(_listening(host, port, extra, tls))
            started = threading.Event()
            self._server = _server(make_app(), bound, started.set, Waits(), tls)
            resources = stack.pop_all()
        self._thread = threading.Thread(
            target=_run_until_stopped, args=(self._server, bound, resources, started), daemon=True
        )
        self._thread.start()
        started.wait()
        atexit.register(self.stop)

    @property
    def is_running(self) -> bool:
        """Whether the server answers."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the server as Ctrl-C would, and free its port; nothing if it has ended."""
        self._server.should_exit = True
        self._thread.join()
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r}{'' if self.is_running else ', stopped'})"


def _run_until_stopped(
    server: "uvicorn.Server",
    bound: socket.socket,
    resources: contextlib.ExitStack,
    started: threading.Event,
) -> None:
    with resources:
        try:
            server.run(sockets=[bound])
        finally:
            started.set()


def in_event_loop() -> bool:
    """Whether an event loop runs in this thread, as in a notebook: it must not be blocked."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextlib.contextmanager
def _listening(
    host: str, port: int, extra: str, tls: TLSFiles | None
) -> Iterator[tuple[BoundedListener, str]]:
    """A socket at the address, and its URL; ConfigError if uvicorn is not installed."""
    try:
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise missing_package(error, extra) from None
    url_host = f"[{host}]" if ":" in host else host
    scheme = "http" if tls is None else "https"
    with _bind(host, port) as bound:
        yield bound, f"{scheme}://{url_host}:{bound.getsockname()[1]}"


class Waits(NamedTuple):
    """How long the server waits for clients: idle ones, and all of them when it ends."""

    idle_seconds: float = IDLE_SECONDS
    shutdown_seconds: float = SHUTDOWN_SECONDS


def _server(
    app: App,
    listener: BoundedListener,
    ready: Callable[[], None],
    waits: Waits,
    tls: TLSFiles | None,
) -> "uvicorn.Server":
    """uvicorn's server with bounded waits for clients, while it runs and when it ends."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            asyncio.get_running_loop().set_exception_handler(ignore_exhaustion)
            self.idle = _IdleConnections(listener, waits.idle_seconds)
            await super().startup(sockets)
            ready()

        async def on_tick(self, counter: int) -> bool:
            if counter % 10 == 0:  # each second
                self.idle.abort_expired(self.server_state.connections)
            return await super().on_tick(counter)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Shut down the app at once; uvicorn alone would first wait for all connections."""
            ending = asyncio.create_task(self._end())
            await super().shutdown(sockets)
            await ending

        async def _end(self) -> None:
            app_shutdown = asyncio.create_task(self.lifespan.shutdown())
            await self._wait_for_clients(time.monotonic() + waits.shutdown_seconds)
            if tasks := list(self.server_state.tasks):
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks, timeout=1)
            _abort(self.server_state.connections)
            await app_shutdown

        async def _wait_for_clients(self, deadline: float) -> None:
            state = self.server_state
            while state.connections or state.tasks:
                await asyncio.sleep(0.05)  # first, so that the app knows of the end
                if self.force_exit or time.monotonic() >= deadline:
                    return

    quiet = {"access_log": False, "log_config": None, "log_level": "error", "server_header": False}
    # Other loops and parsers, used if they are installed, accept and read in ways of their own.
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        proxy_headers=False,  # anybody may send them
        ssl_certfile=tls and tls.certificate,
        ssl_keyfile=tls and tls.key,
        **quiet,
    )
    return Server(config)


class _IdleConnections:
    """Connections without progress: an incomplete header, or an answer that is not accepted.

    They may do nothing for a while, but only for a moment if no other connection is accepted.
    """

    def __init__(self, listener: BoundedListener, max_seconds: float):
        self._listener = listener
        self._max_seconds = max_seconds
        self._since: dict[tuple[Any, ...], float] = {}

    def abort_expired(self, connections: Collection[Any]) -> None:
        """Abort connections that have made no progress for too long."""
        max_seconds = self._max_seconds
        if self._listener.is_full:
            max_seconds = min(max_seconds, CROWDED_IDLE_SECONDS)
        self._listener.end_handshakes({_descriptor(each) for each in connections}, max_seconds)
        idle = [each for each in connections if each.cycle is None or each.cycle.response_complete]
        states = [(each, each.cycle, each.transport.get_write_buffer_size()) for each in idle]
        now = time.monotonic()
        self._since = {state: self._since.get(state, now) for state in states}
        expired = [
            connection
            for (connection, *_), since in self._since.items()
            if now - since > max_seconds
        ]
        _abort(expired)


def _descriptor(connection: Any) -> int:
    """The descriptor of a connection; -1 if it has ended."""
    connected = connection.transport.get_extra_info("socket")
    return -1 if connected is None else connected.fileno()


def _abort(connections: Collection[Any]) -> None:
    for connection in list(connections):
        connection.transport.abort()


@contextlib.contextmanager
def _garbage_frozen() -> Iterator[None]:
    """Exclude loaded modules from garbage collection, which takes 0.2 s for torch alone."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _bind(host: str, port: int) -> BoundedListener:
    """A socket at the address; bound first, so that errors come before anything else starts."""
    if not 0 <= port <= MAX_PORT:
        raise ConfigError.for_value("port", port, f"1 to {MAX_PORT}, or 0 for a free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise ConfigError.for_value("host", host, HOSTS, problem="unknown host") from None
    bound = BoundedListener(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _bind_error(error, host, port) from None
    return bound


def _bind_error(error: OSError, host: str, port: int) -> ConfigError | OutputError:
    if error.errno == errno.EADDRNOTAVAIL:
        problem = "host is not an address of this machine"
        return ConfigError.for_value("host", host, HOSTS, problem=problem)
    reason = (error.strerror or str(error)).lower()
    return OutputError(
        f"cannot listen on port {port} of {host}: {reason}. "
        "Choose another port; 0 picks a free one.",
        parameter="port",
    )


def missing_package(error: ImportError, extra: str) -> ConfigError:
    """The error for a package that is not installed.

    Args:
        error: The failed import.
        extra: The extra of vaekit that installs the package.

    >>> print(missing_package(ImportError(name="uvicorn"), "serve"))
    uvicorn is not installed. Run pip install "vaekit[serve]".
    """
    return ConfigError(f'{error.name} is not installed. Run pip install "vaekit[{extra}]".')
