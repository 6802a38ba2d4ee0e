"""The array of a request: numbers in nested lists, or an array that is read from .npy.

Types are checked before NumPy converts them: NumPy would turn all values into text if one is text.
"""

from typing import Any

import numpy as np

from vaekit.server.http_errors import HTTPError, invalid

MAX_DIMENSIONS = 8
TYPE_NAMES = {str: "text", bool: "true or false", type(None): "null", dict: "an object"}


def check_array(value: Any, name: str, shape: tuple[int, ...], max_examples: int) -> np.ndarray:
    """The array of a request; HTTPError unless it has numbers and at most `max_examples` examples.

    Whether its shape and values suit the model is checked by the service.
    """
    expected = f"numbers [N, {', '.join(map(str, shape))}]"
    sized = isinstance(value, list) or getattr(value, "ndim", 0)
    if sized and len(value) > max_examples:  # before the values are looked at
        raise HTTPError(
            422,
            f"too many examples: got {len(value):,}, expected at most {max_examples:,}. "
            "Send several requests.",
        )
    array = value if isinstance(value, np.ndarray) else _from_lists(value, name, expected)
    if not array.ndim:
        raise invalid(name, "a single number", expected)
    if not array.size:
        raise invalid(name, "an empty array", expected)
    return array


def _from_lists(value: Any, name: str, expected: str) -> np.ndarray:
    """Nested lists of numbers as float64."""
    if others := _types(value, MAX_DIMENSIONS) - {int, float}:
        got = TYPE_NAMES.get(others.pop(), f"more than {MAX_DIMENSIONS} dimensions")
        raise invalid(name, got, expected)
    try:
        return np.asarray(value, np.float64)
    except (ValueError, OverflowError):
        got = "lists of different lengths, or numbers beyond float64"
        raise invalid(name, got, expected) from None


def _types(value: Any, depth: int) -> set[type]:
    """The types of the values in nested lists, `depth` levels deep."""
    if not isinstance(value, list) or not depth:
        return {type(value)}
    types = set(map(type, value))
    if list in types:
        types.discard(list)
        types.update(*(_types(inner, depth - 1) for inner in value))
    return types
