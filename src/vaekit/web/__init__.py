"""What every server of the package needs, whatever it serves: a guard before an ASGI app, and a socket to listen on."""

from vaekit.web.guard import ENDING, LOOPBACK, App, Guard, Message, Receive, Send, hosts_for
from vaekit.web.uvicorn_server import missing_package, serve_app

__all__ = [
    "ENDING",
    "LOOPBACK",
    "App",
    "Guard",
    "Message",
    "Receive",
    "Send",
    "hosts_for",
    "serve_app",
    "missing_package",
]
