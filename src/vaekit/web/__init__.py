"""Servers of the package: a guard in front of an ASGI app, and uvicorn that serves it."""

from vaekit.web.access_log import AccessLog
from vaekit.web.bearer_token import BearerToken, read_token
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
from vaekit.web.tls import TLSFiles, tls_files
from vaekit.web.uvicorn_server import (
    RunningServer,
    in_event_loop,
    missing_package,
    serve_app,
)

__all__ = [
    "LOOPBACK",
    "SHUTTING_DOWN",
    "AccessLog",
    "App",
    "BearerToken",
    "Guard",
    "Message",
    "Receive",
    "RunningServer",
    "Scope",
    "Send",
    "TLSFiles",
    "hosts_for",
    "in_event_loop",
    "missing_package",
    "read_token",
    "serve_app",
    "tls_files",
]
