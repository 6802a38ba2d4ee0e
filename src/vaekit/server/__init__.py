"""A model over HTTP: JSON and NumPy's formats, concurrent requests computed together.

Only `app` and `prometheus` import starlette and prometheus_client; nothing here imports them.
"""

from vaekit.server.limits import Limits
from vaekit.server.service import Facts, Service

__all__ = ["Facts", "Limits", "Service"]
