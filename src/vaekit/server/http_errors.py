"""The way in which a request ends without its answer."""


class HTTPError(Exception):  # noqa: N818 - an answer, not a failure of the server
    """An HTTP status and one line for the client: what was given, what is allowed, the remedy."""

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None):
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, headers or {}


def server_busy(reason: str) -> HTTPError:
    """503, to be tried again in a second."""
    return HTTPError(503, reason, {"Retry-After": "1"})
