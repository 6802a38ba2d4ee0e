"""Checks of the arrays that a plot shows: their shape, finite numbers, the range of pixels."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError

IMAGE_CHANNELS = (1, 3)


def check_finite(values: ArrayLike, name: str, *shapes: str) -> NDArray:
    """`values` as a non-empty array of finite numbers with one of `shapes`, such as "[N, 2]"."""
    expected = f"numbers of shape {' or '.join(shapes)}"
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError.for_value(name, values, expected) from error
    if array.dtype.kind not in "fiub":
        problem = f"{name} has the wrong type"
        raise DataError.for_value(name, str(array.dtype), expected, problem=problem)
    if array.ndim not in {shape.count(",") + 1 for shape in shapes} or 0 in array.shape:
        raise wrong_shape(name, array, f"{' or '.join(shapes)} with no empty axis")
    if not np.isfinite(array).all():
        raise DataError(
            f"{name} contains NaN or infinity. Leave out examples that are not finite.",
            parameter=name,
        )
    return array


def check_pixels(values: ArrayLike, name: str, shape: str) -> NDArray:
    """Floats of a shape that ends in [C, H, W], clipped to [0, 1] and never rescaled."""
    array = check_finite(values, name, shape)
    if array.dtype.kind != "f":
        raise DataError.for_value(
            name,
            str(array.dtype),
            "floats in [0, 1]",
            problem=f"{name} has the wrong type",
            fix="Divide by the largest level",
        )
    if array.shape[-3] not in IMAGE_CHANNELS:
        raise wrong_shape(name, array, f"{shape} with C = 1 or 3")
    floats = array.astype(np.promote_types(array.dtype, np.float32), copy=False)
    return np.clip(floats, 0, 1)


def check_length(values: object, name: str, count: int) -> list:
    """`values` as a list of `count` entries."""
    expected = f"a sequence of {count}"
    if not isinstance(values, Iterable):
        raise DataError.for_value(name, values, expected)
    entries = list(values)
    if len(entries) != count:
        raise DataError.for_value(
            name, len(entries), f"{count}", problem=f"{name} has the wrong number of entries"
        )
    return entries


def wrong_shape(name: str, array: NDArray, expected: str, *, fix: str = "") -> DataError:
    """The error about an array of the wrong shape."""
    shape = list(array.shape)
    problem = f"{name} has the wrong shape"
    return DataError.for_value(name, shape, expected, problem=problem, fix=fix)
