"""Errors that are sent to the client."""


class HTTPError(Exception):
    """An HTTP status and one line for the client: what is wrong, what is allowed, the fix."""

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None):
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def invalid(name: str, got: str, expected: str) -> HTTPError:
    """422 for the value of a field, in the form that all errors have."""
    return HTTPError(422, f"{name} is invalid: got {got}, expected {expected}.")


def server_busy(reason: str) -> HTTPError:
    """503, to be tried again in a second."""
    return HTTPError(503, reason, {"Retry-After": "1"})
