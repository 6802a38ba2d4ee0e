"""Checks of arrays that become data: numeric types, shapes, latent codes, labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vaekit.data.examples import shape_text
from vaekit.data.file_reading import data_errors
from vaekit.data.support import Support, value_position
from vaekit.errors import DataError

Labels = str | int | Sequence[str | int] | np.ndarray | None
"""Class names, one per example or one for all; None without labels."""

MAX_SHOWN_CLASSES = 20
SMALL_FLOATS = ("torch.bfloat16", "torch.float8", "torch.float4")
"""Types of tensors that NumPy does not have, and float32 contains."""


def as_array(x: Any, name: str, *, parameter: str | None = None) -> np.ndarray:
    """Values of any kind that NumPy takes as an array, not copied if possible.

    A tensor is taken without its gradient, from any device; a data frame needs numeric columns.

    Args:
        x: An array, a tensor, a data frame, nested lists.
        name: What messages call the values.
        parameter: The parameter that they were passed as.

    Raises:
        DataError: Some values are masked, or the values are no array.

    >>> as_array(np.ma.masked_array([1, 2]), "x")
    array([1, 2])
    """
    if isinstance(x, np.ma.MaskedArray):
        _check_unmasked(x, name, parameter)
    values: Any = x
    with data_errors(name, parameter):
        if hasattr(values, "detach"):
            values = _dense(values, name, parameter)
        if hasattr(values, "dtypes") and hasattr(values, "columns"):
            return _frame_values(values, name, parameter)
        return values if isinstance(values, np.memmap) else np.asarray(values)


def _dense(tensor: Any, name: str, parameter: str | None) -> Any:
    """A tensor on the CPU in a type that NumPy has."""
    layout = str(tensor.layout).removeprefix("torch.")
    if layout != "strided" or tensor.is_quantized or tensor.is_meta:
        kind = "meta" if tensor.is_meta else "quantized" if tensor.is_quantized else layout
        raise DataError(
            f"{name} is no plain tensor: got a {kind} one, expected a dense one with values. "
            f"Convert it, as by {name}.to_dense() or {name}.dequantize().",
            parameter=parameter,
        )
    tensor = tensor.detach().cpu()
    return tensor.float() if str(tensor.dtype).startswith(SMALL_FLOATS) else tensor


def _check_unmasked(x: np.ma.MaskedArray, name: str, parameter: str | None) -> None:
    mask = np.ma.getmaskarray(x)
    if not mask.any():
        return
    position = ""
    if mask.ndim > 1:
        at = np.unravel_index(np.argmax(mask), mask.shape)
        position = f", the first in example {at[0]}, {value_position(at[1:])}"
    raise DataError(
        f"{name} has masked values: got {np.count_nonzero(mask):,} of {mask.size:,}{position}, "
        "expected none. Fill them with x.filled(value), leave those examples out, or impute "
        "x.filled(0) with the mask x.mask.",
        parameter=parameter,
    )


def _frame_values(frame: Any, name: str, parameter: str | None) -> np.ndarray:
    """The values of a data frame; a missing one is NaN."""
    kinds = [getattr(dtype, "kind", "O") for dtype in frame.dtypes]
    others = [
        str(name) for name, kind in zip(frame.columns, kinds, strict=True) if kind not in "biuf"
    ]
    if others:
        raise DataError(
            f"{name} has columns that are not numbers: "
            f"got {', '.join(others[:MAX_SHOWN_CLASSES])}. "
            "Encode them as numbers, or leave them out.",
            parameter=parameter,
        )
    array = np.asarray(frame)
    return array if array.dtype != object else frame.to_numpy(np.float64, na_value=np.nan)


def check_inputs(x: Any, shape: tuple[int, ...], support: Support) -> np.ndarray:
    """Check raw examples for a model, and bring their channels first.

    Args:
        x: Examples [N, *shape]; images also with their channels last, gray ones also without; or
            one example.
        shape: The shape of one example, (D,) or (C, H, W).
        support: The support that the model was trained on.

    Returns:
        The examples [N, *shape], a view if possible.

    Raises:
        DataError: The shape, the type or a value does not suit the model.

    >>> check_inputs([[[0, 1], [1, 0]]], (1, 2, 2), Support("binary")).shape
    (1, 1, 2, 2)
    """
    array = as_array(x, "x", parameter="x")
    if _is_one_example(array, shape):
        array = array[None]
    if shape[0] == 1 and array.ndim == len(shape):
        array = array[:, None]
    if _has_channels_last(array, shape):
        array = np.moveaxis(array, -1, 1)
    check_compatible(array, shape, support, "x", parameter="x")
    return array


def _is_one_example(x: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether an array has no axis of examples, and cannot be gray images [N, H, W]."""
    forms = [shape]
    if len(shape) == 3:
        channels, *size = shape
        forms = [tuple(size)] if channels == 1 else [shape, (*size, channels)]
    return x.shape in forms


def check_latents(z: Any, size: int) -> np.ndarray:
    """Check latent codes for a model.

    Args:
        z: Latent codes [N, size].
        size: The number of latent dimensions.

    Returns:
        The codes as float32.

    Raises:
        DataError: The shape is another one, or a value is no finite float32.

    >>> check_latents([[0, 1]], 2)
    array([[0., 1.]], dtype=float32)
    """
    array = as_array(z, "z", parameter="z")
    check_numeric(array, "z", parameter="z")
    if array.ndim != 2 or array.shape[1] != size:
        raise DataError.for_value(
            "z", array.shape, f"[N, {size}]", problem="latent codes have the wrong shape"
        )
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    finite = np.isfinite(array)
    if not finite.all():
        code, dimension = np.unravel_index(np.argmin(finite), finite.shape)
        raise DataError.for_value(
            "z",
            float(array[code, dimension]),
            "finite numbers in float32",
            problem=f"latent code {code} is not finite in dimension {dimension}",
        )
    return array


def check_labels(labels: Labels, classes: Sequence[str], count: int) -> np.ndarray | None:
    """The class indices of labels for a model.

    Args:
        labels: Class names, one per example or one for all; None if the model has no classes.
        classes: The class names of the model; empty unless it is conditional.
        count: The number of examples.

    Returns:
        Class indices [count] (int64); None if the model has no classes.

    Raises:
        DataError: Labels are missing, unknown, of another number, or for a model without classes.

    >>> check_labels(["dog", "cat"], ("cat", "dog"), 2)
    array([1, 0])
    """
    if not classes:
        if labels is not None:
            raise DataError(
                "the model is not conditional, so it takes no labels. Leave labels out.",
                parameter="labels",
            )
        return None
    if labels is None:
        names = ", ".join(classes[:MAX_SHOWN_CLASSES])
        raise DataError(
            f"the model is conditional, so it needs labels. Choose among {names}.",
            parameter="labels",
        )
    indices = {name: index for index, name in enumerate(classes)}
    names = [str(name) for name in np.ravel(np.asarray(labels))]
    unknown = next((name for name in names if name not in indices), None)
    if unknown is not None:
        raise DataError.unknown("class", unknown, indices, parameter="labels")
    if len(names) not in (1, count):
        raise DataError.for_value(
            "labels", len(names), f"1 or {count}", problem="wrong number of labels"
        )
    return np.broadcast_to(np.array([indices[name] for name in names], np.int64), count)


def check_compatible(
    x: np.ndarray,
    shape: tuple[int, ...],
    support: Support,
    name: str,
    *,
    parameter: str = "data",
) -> None:
    """Check raw examples against the shape and the support that a model was trained on.

    Args:
        x: Examples [N, ...].
        shape: The expected shape of one example.
        support: The expected support.
        name: What messages call the examples.
        parameter: The parameter that they were passed as.

    Raises:
        DataError: The type, the shape or a value does not suit.

    >>> check_compatible(np.zeros((5, 3)), (3,), Support("unit"), "new data")
    """
    check_numeric(x, name, parameter=parameter)
    if x.shape[1:] != tuple(shape):
        raise DataError.for_value(
            parameter,
            x.shape[1:],
            str(tuple(shape)),
            problem=f"examples of {name} have the wrong shape",
            fix=_shape_fix(x, shape),
        )
    support.check(x, name, parameter=parameter)


def check_numeric(x: np.ndarray, name: str, *, parameter: str | None = None) -> None:
    """Check that an array has at least one example, and values of a type that models take.

    Args:
        x: The array.
        name: What messages call it.
        parameter: The parameter that it was passed as.

    Raises:
        DataError: The type is not numeric, or the array is a scalar or empty.
    """
    if x.dtype.kind not in "biuf" or x.dtype.itemsize > 8:
        expected = "bool, integers or floats of at most 64 bits"
        raise DataError(
            f"{name} has the wrong type: got {x.dtype}, expected {expected}.", parameter=parameter
        )
    if not x.dtype.isnative:
        raise DataError(
            f"{name} has the byte order of another machine. Convert it with "
            "x.astype(x.dtype.newbyteorder('=')).",
            parameter=parameter,
        )
    if x.ndim == 0:
        raise DataError(
            f"{name} is a single number: got {x}, expected examples [N, D] or images.",
            parameter=parameter,
        )
    if x.size == 0:
        raise DataError(
            f"{name} is empty: got the shape {x.shape}, expected at least one example of at least "
            "one value.",
            parameter=parameter,
        )


def _has_channels_last(x: np.ndarray, shape: tuple[int, ...]) -> bool:
    return x.ndim == 4 and x.shape[1:] != shape and x.shape[-1:] + x.shape[1:3] == shape


def _shape_fix(x: np.ndarray, shape: tuple[int, ...]) -> str:
    if x.ndim == 4 and len(shape) == 3 and x.shape[1] == shape[0]:
        return f"Resize the images to {shape_text(shape[1:])} (height x width)"
    return "Pass examples of that shape, or train a model on these"
