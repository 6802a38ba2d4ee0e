"""What a picture accepts: arrays of a stated shape, finite, and in range for display."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vaekit.errors import DataError


def check_finite(values: ArrayLike, name: str, *shapes: str) -> NDArray:
    """`values` as an array of numbers in one of `shapes` (such as "[N, 2]"), with no NaN, infinity or empty axis."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name} is not a numpy array of one shape; allowed: {' or '.join(shapes)}"
        ) from error
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"{name} holds {array.dtype}; allowed: numbers of shape {' or '.join(shapes)}"
        )
    if array.ndim not in {shape.count(",") + 1 for shape in shapes} or 0 in array.shape:
        raise DataError(
            f"{name} has shape {list(array.shape)}; allowed: {' or '.join(shapes)}, no axis empty"
        )
    if not np.isfinite(array).all():
        raise DataError(
            f"{name} holds NaN or infinity; allowed: finite numbers, so leave those rows out"
        )
    return array


def check_pixels(values: ArrayLike, name: str, shape: str) -> NDArray:
    """Images of the given shape, ending in [C, H, W], clipped to [0, 1] and never rescaled."""
    array = check_finite(values, name, shape)
    if array.dtype.kind != "f":
        raise DataError(
            f"{name} holds {array.dtype}; allowed: floats in [0, 1], so divide by the largest level"
        )
    if array.shape[-3] not in (1, 3):
        raise DataError(
            f"{name} has {array.shape[-3]} channels, shape {list(array.shape)}; allowed: {shape}, C 1 or 3"
        )
    return np.clip(array.astype(np.promote_types(array.dtype, np.float32), copy=False), 0, 1)


def check_length(values, name: str, count: int) -> list:
    """`values` as a list, one for each of `count` things."""
    try:
        values = list(values)
    except TypeError as error:
        raise DataError(
            f"{name} is {values!r}; allowed: a sequence of {count}, one for each"
        ) from error
    if len(values) != count:
        raise DataError(f"{name} has {len(values)} entries; allowed: {count}, one for each")
    return values
