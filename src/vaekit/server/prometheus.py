"""Figures of a server for Prometheus, in a registry of its own."""

import time
from collections.abc import Callable, Collection, MutableMapping
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from vaekit.web import App, Message, Receive, Send

MEDIA = CONTENT_TYPE_LATEST
SIZES = tuple(2**k for k in range(13))


class ServerMetrics:
    """Counts and times: requests by endpoint and status, seconds, rows that were asked for, batches and what waits."""

    def __init__(self, waiting: Callable[[], float]):
        self.registry = CollectorRegistry()
        self._requests = self._made(
            Counter, "requests", "Requests by endpoint and status.", ("endpoint", "status")
        )
        self._seconds = self._made(
            Histogram, "request_seconds", "From the first byte to the last.", ("endpoint",)
        )
        self._rows = self._made(
            Counter, "rows", "Rows in requests that were let through.", ("endpoint",)
        )
        self._batch_rows = self._made(
            Histogram, "batch_rows", "Rows computed at once.", buckets=SIZES
        )
        self._batch_requests = self._made(
            Histogram, "batch_requests", "Requests computed at once.", buckets=SIZES
        )
        self._made(Gauge, "rows_waiting", "Rows in the queue.").set_function(waiting)

    def _made(
        self,
        kind: Callable[..., Any],
        name: str,
        text: str,
        labels: tuple[str, ...] = (),
        **options: Any,
    ) -> Any:
        return kind(f"vaekit_{name}", text, labels, registry=self.registry, **options)

    def text(self) -> bytes:
        """The page that Prometheus reads."""
        return generate_latest(self.registry)

    def batch(self, rows: int, requests: int) -> None:
        self._batch_rows.observe(rows)
        self._batch_requests.observe(requests)

    def rows(self, endpoint: str, count: int) -> None:
        self._rows.labels(endpoint).inc(count)

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)


class MeteredApp:
    """An ASGI app whose answers are counted; `paths` by themselves, all others as one, so that nobody invents series."""

    def __init__(self, app: App, metrics: ServerMetrics, paths: Collection[str]):
        self._app, self._metrics, self._paths = app, metrics, frozenset(paths)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            endpoint = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.answered(endpoint, status, time.perf_counter() - began)
