"""What the server is given: the facts of a model and what it computes; the server knows no model itself."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vaekit.data import Examples

Arrays = Mapping[str, np.ndarray]
Labels = str | int | Sequence[str | int] | None


@dataclass(frozen=True)
class Facts:
    """What clients need to know of a run.

    shape: of one row. support: what its values can be. latent_dim: numbers of one code. classes: of a conditional run.
    positions: variables of a discrete code, each an entry of a codebook; 0 where codes are continuous.
    """

    recipe: str
    data: str
    shape: tuple[int, ...]
    support: str
    latent_dim: int
    classes: tuple[str, ...]
    positions: int
    version: str


class Service(Protocol):
    """The functions of a run. `rows` and `codes` check what came in, in the event loop; the others compute, in one thread.

    Every one may raise ConfigError or DataError, whose message the client gets.
    """

    facts: Facts
    scores: tuple[str, ...]
    """What `score` may go by, the default first."""

    def rows(self, x: np.ndarray, y: Labels) -> Examples:
        """Raw rows [N, *shape] and the numbers of their classes, out of what a client gave."""
        ...

    def codes(self, z: np.ndarray, y: Labels) -> Examples:
        """Codes [N, L] likewise."""
        ...

    def encode(self, rows: Examples) -> Arrays:
        """mean [N, L] and sigma [N, L] of q(z given x); of a discrete z mean and indices [N, M]."""
        ...

    def decode(self, codes: Examples) -> Arrays:
        """x [N, *shape], the means of p(x given z) in raw units."""
        ...

    def draw(self, count: int, label: str | int | None, seed: int) -> Examples:
        """Codes drawn from the prior."""
        ...

    def score(self, rows: Examples, by: str, samples: int, seed: int) -> Arrays:
        """score [N]."""
        ...

    def stopped(self) -> AbstractContextManager[None]:
        """Meanwhile what is being computed fails as soon as it can."""
        ...
