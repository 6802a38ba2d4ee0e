"""What every server of the package needs, whatever it serves: a guard before an ASGI app, and a socket to listen on."""

from vaekit.web.guard import ENDING, LOOPBACK, App, Guard, Message, Receive, Send, hosts_for
from vaekit.web.listening import listen, missing

__all__ = ["ENDING", "LOOPBACK", "App", "Guard", "Message", "Receive", "Send", "hosts_for", "listen", "missing"]
