"""How much one client may ask for, and all together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from vaekit.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """Bounds of a server.

    body_bytes: of one request. rows, values: in one request or its answer, values being numbers of all rows together.
    samples: draws of z per row of a score; draws: rows times samples. rows_at_once: computed together, from several requests;
    1: each request on its own. rows_waiting: of all requests in the queue. seconds: to read a request, and again to answer it.

    Raises ConfigError for any that is below 1.
    """

    body_bytes: int = 2**25
    rows: int = 1024
    values: int = 2**22
    samples: int = 5000
    draws: int = 100_000
    max_batch_examples: int = 256
    rows_waiting: int = 8192
    seconds: float = 30.0

    def __post_init__(self):
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ConfigError(f"{field.name} = {getattr(self, field.name)}: at least 1")

    def rows_of(self, shape: Sequence[int]) -> int:
        """How many rows of this shape a request may have."""
        return max(1, min(self.rows, self.values // math.prod(shape)))
