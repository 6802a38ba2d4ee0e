"""Learning-rate schedules: the completed fraction of training to a factor on the rate."""

import math
from typing import Annotated

from pydantic import Field

Fraction = Annotated[float, Field(ge=0, le=1)]


class Constant:
    """A constant rate after a linear warm-up.

    Args:
        warmup: Fraction of training over which the rate rises linearly.

    >>> Constant(warmup=0.1)(0.05)
    0.5
    """

    def __init__(self, *, warmup: Fraction = 0.0):
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        """The factor at a completed fraction of training, 0 to 1."""
        return _rise(progress, self.warmup)


class Linear:
    """A linear descent to zero after a linear warm-up.

    Args:
        warmup: Fraction of training over which the rate rises linearly.

    >>> Linear(warmup=0.5)(0.75)
    0.5
    """

    def __init__(self, *, warmup: Fraction = 0.1):
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        """The factor at a completed fraction of training, 0 to 1."""
        return min(_rise(progress, self.warmup), 1 - _descent(progress, self.warmup))


class Cosine:
    """Half a cosine down to zero after a linear warm-up.

    Args:
        warmup: Fraction of training over which the rate rises linearly.

    References:
        Loshchilov & Hutter, 2017, "SGDR".

    >>> Cosine(warmup=0)(0.5)
    0.5
    """

    def __init__(self, *, warmup: Fraction = 0.1):
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        """The factor at a completed fraction of training, 0 to 1."""
        cosine = 0.5 * (1 + math.cos(math.pi * _descent(progress, self.warmup)))
        return min(_rise(progress, self.warmup), cosine)


def _rise(progress: float, warmup: float) -> float:
    return min(1.0, progress / warmup) if warmup else 1.0


def _descent(progress: float, warmup: float) -> float:
    """The completed fraction of the time after the warm-up, 0 to 1."""
    if warmup >= 1:
        return 0.0
    return min(1.0, max(0.0, (progress - warmup) / (1 - warmup)))


SCHEDULES = {"constant": Constant, "linear": Linear, "cosine": Cosine}
