"""A model over HTTP: JSON and numpy's formats, concurrent requests computed together.

`app`, and through it starlette and prometheus_client, is imported only where a server is made.
"""

from vaekit.server.limits import Limits
from vaekit.server.service import Facts, Service

__all__ = ["Facts", "Limits", "Service"]
