"""Learning-rate schedules: progress through training, 0 to 1 -> factor on the optimiser's rate."""

import math
from typing import Annotated

from pydantic import Field

Fraction = Annotated[float, Field(ge=0, le=1)]


class Constant:
    """The rate as it is, after a linear rise over the first `warmup` of training (a share, 0 to 1).

    >>> Constant(warmup=0.1)(0.05)
    0.5
    """

    def __init__(self, *, warmup: Fraction = 0.0):
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        return _rise(progress, self.warmup)


class Linear:
    """Linear to zero at the end, after a linear rise over the first `warmup` of training (a share, 0 to 1)."""

    def __init__(self, *, warmup: Fraction = 0.1):
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        return min(_rise(progress, self.warmup), 1 - _descent(progress, self.warmup))


class Cosine:
    """Half a cosine to zero at the end (Loshchilov & Hutter, 2017), after a linear rise over the first `warmup` of training."""

    def __init__(self, *, warmup: Fraction = 0.1):
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        return min(
            _rise(progress, self.warmup),
            0.5 * (1 + math.cos(math.pi * _descent(progress, self.warmup))),
        )


def _rise(progress: float, warmup: float) -> float:
    return min(1.0, progress / warmup) if warmup else 1.0


def _descent(progress: float, warmup: float) -> float:
    """How far the part after the rise has gone, 0 to 1."""
    return min(1.0, max(0.0, (progress - warmup) / (1 - warmup))) if warmup < 1 else 0.0


SCHEDULES = {"constant": Constant, "linear": Linear, "cosine": Cosine}
