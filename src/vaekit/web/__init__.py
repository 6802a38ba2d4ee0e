"""Servers of the package: a guard in front of an ASGI app, and uvicorn that serves it."""

from vaekit.web.guard import (
    LOOPBACK,
    SHUTTING_DOWN,
    App,
    Guard,
    Message,
    Receive,
    Scope,
    Send,
    hosts_for,
)
from vaekit.web.uvicorn_server import (
    RunningServer,
    in_event_loop,
    missing_package,
    serve_app,
)

__all__ = [
    "LOOPBACK",
    "SHUTTING_DOWN",
    "App",
    "Guard",
    "Message",
    "Receive",
    "RunningServer",
    "Scope",
    "Send",
    "hosts_for",
    "in_event_loop",
    "missing_package",
    "serve_app",
]
