"""A metric: a value with its standard error, or the reason why there is none."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from vaekit.errors import RequestError, reason_of
from vaekit.html import shorten
from vaekit.json_types import JsonObject

MAX_REASON_CHARACTERS = 400
"""Of a reason why a metric is unavailable: less than what is read back from a summary."""

T = TypeVar("T")


@dataclass(frozen=True)
class Metric:
    """A value with its standard error.

    Attributes:
        value: The value; None if it is unavailable.
        standard_error: Its standard error; None if there is none, as for a single example.
        unavailable: Why there is no value; None if there is one.

    >>> Metric.mean_of(torch.tensor([1.0, 3.0]))
    Metric(value=2.0, standard_error=1.0, unavailable=None)
    """

    value: float | None
    standard_error: float | None = None
    unavailable: str | None = None

    @classmethod
    def failed(cls, error: Exception) -> "Metric":
        """A metric that is unavailable because its computation failed.

        >>> Metric.failed(MemoryError("no memory")).unavailable
        'its computation failed with MemoryError: no memory'
        """
        reason = shorten(f"its computation failed with {reason_of(error)}", MAX_REASON_CHARACTERS)
        return cls(None, unavailable=reason)

    @classmethod
    def mean_of(cls, values: Tensor) -> "Metric":
        """The mean of values [N] and its standard error; unavailable if the mean is not finite."""
        n = len(values)
        mean = values.mean().item()
        if not math.isfinite(mean):
            return cls(None, unavailable="it is NaN or infinite for some examples")
        error = (values.std() / math.sqrt(n)).item() if n > 1 else math.inf
        return cls(mean, error if math.isfinite(error) else None)

    def to_dict(self) -> JsonObject:
        """The metric as JSON holds it."""
        if self.unavailable is not None:
            return {"value": None, "unavailable": self.unavailable}
        return {"value": self.value, "standard_error": self.standard_error}


def attempt(compute: Callable[[], T], failed: Callable[[Metric], T]) -> T:
    """The result of a computation or, if it fails, what stands for it; so that others stand.

    Args:
        compute: The computation.
        failed: The result for a metric that is unavailable because the computation failed.

    Raises:
        RequestError: The request was wrong.

    >>> attempt(lambda: 1 / 0, lambda metric: metric.unavailable)
    'its computation failed with ZeroDivisionError: division by zero'
    """
    try:
        return compute()
    except RequestError:
        raise
    except Exception as error:
        return failed(Metric.failed(error))
