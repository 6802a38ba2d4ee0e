"""Metrics of a server for Prometheus, in a registry of its own."""

import time
from collections.abc import Callable, Collection
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from vaekit.web import App, Message, Receive, Scope, Send

MEDIA = CONTENT_TYPE_LATEST
SIZE_BUCKETS = tuple(2**k for k in range(13))


class ServerMetrics:
    """Requests by endpoint and status, their seconds and examples, batches and the queue."""

    def __init__(self, queued_examples: Callable[[], float]):
        self.registry = CollectorRegistry()
        self._requests = self._register(
            Counter, "requests", "Requests by endpoint and status.", ("endpoint", "status")
        )
        self._seconds = self._register(
            Histogram, "request_seconds", "Seconds from the first to the last byte.", ("endpoint",)
        )
        self._examples = self._register(
            Counter, "examples", "Examples in accepted requests.", ("endpoint",)
        )
        self._batch_examples = self._register(
            Histogram, "batch_examples", "Examples computed together.", buckets=SIZE_BUCKETS
        )
        self._batch_requests = self._register(
            Histogram, "batch_requests", "Requests computed together.", buckets=SIZE_BUCKETS
        )
        queue = self._register(Gauge, "queue_examples", "Examples in the queue.")
        queue.set_function(queued_examples)

    def _register(
        self,
        kind: Callable[..., Any],
        name: str,
        description: str,
        labels: tuple[str, ...] = (),
        **options: Any,
    ) -> Any:
        return kind(f"vaekit_{name}", description, labels, registry=self.registry, **options)

    def text(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    def observe_batch(self, examples: int, requests: int) -> None:
        """Record the size of a batch."""
        self._batch_examples.observe(examples)
        self._batch_requests.observe(requests)

    def count_examples(self, endpoint: str, count: int) -> None:
        """Count the examples of an accepted request."""
        self._examples.labels(endpoint).inc(count)

    def count_request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)


class MeteredApp:
    """An ASGI app whose requests are counted.

    Requests for `paths` are counted by path, all other requests as one, so that clients cannot
    create series.
    """

    def __init__(self, app: App, metrics: ServerMetrics, paths: Collection[str]):
        self._app = app
        self._metrics = metrics
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start = time.perf_counter()
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            endpoint = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.count_request(endpoint, status, time.perf_counter() - start)
