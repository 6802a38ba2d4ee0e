"""Limits of one request, and of all requests together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from pydantic import ConfigDict

from vaekit.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """Limits of a server; `GET /v1/model` shows them to clients.

    Raises:
        ConfigError: A limit below 1.

    >>> limits = Limits(max_examples=1000, max_values=10_000)
    >>> limits.max_examples_of((1, 28, 28))
    12
    """

    __pydantic_config__ = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={"description": "Limits of the server."},
    )

    max_body_bytes: int = 2**25
    """Bytes of one request."""
    max_examples: int = 1024
    """Examples in one request or in its answer."""
    max_values: int = 2**22
    """Numbers in one request or in its answer, over all its examples."""
    max_pixels: int = 2**25
    """Pixels of an image in a request, before it is cropped and resized."""
    max_samples: int = 5000
    """Samples of z per example of a score."""
    max_draws: int = 100_000
    """Samples of z over all examples of a score."""
    max_batch_examples: int = 256
    """Examples of several requests that are computed together; 1: each request alone."""
    max_queue_examples: int = 8192
    """Examples of all requests in the queue."""
    timeout_seconds: float = 30.0
    """Seconds to read a request, and again to answer it."""

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 1:
                raise ConfigError.for_value(field.name, value, "at least 1")

    def max_examples_of(self, shape: Sequence[int]) -> int:
        """How many examples of this shape one request may have; at least 1."""
        return max(1, min(self.max_examples, self.max_values // math.prod(shape)))
