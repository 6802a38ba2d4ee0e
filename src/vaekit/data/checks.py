"""What is given to a model in use, a run or an exported one: rows, codes and classes, checked and in the form that it takes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vaekit.data.dataset import check_compatible, check_numeric
from vaekit.data.support import Support
from vaekit.errors import DataError, suggest

Labels = str | int | Sequence[str | int] | np.ndarray | None
"""Classes by name, one for each row or one for all; None: none."""


def check_inputs(x: Any, shape: tuple[int, ...], support: Support) -> np.ndarray:
    """Raw rows as [B, *shape], channels first; DataError for another shape or support."""
    array = np.asarray(x)
    if shape[0] == 1 and array.ndim == len(
        shape
    ):  # gray images come with and without their one channel
        array = array[:, None]
    if (
        array.ndim == 4
        and array.shape[1:] != shape
        and array.shape[-1:] + array.shape[1:3] == shape
    ):
        array = np.moveaxis(array, -1, 1)
    check_compatible(array, shape, support, "what was given")
    return array


def check_latents(z: Any, size: int) -> np.ndarray:
    """Codes as float32 [N, size]; DataError for any that cannot be."""
    array = np.asarray(z)
    check_numeric(array, "what was given")
    if array.ndim != 2 or array.shape[1] != size:
        raise DataError(f"codes of shape {array.shape} were given, this model takes [N, {size}]")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise DataError(
            "what was given holds NaN, infinity or numbers beyond float32: give finite ones"
        )
    return array


def check_labels(y: Labels, classes: Sequence[str], rows: int) -> np.ndarray | None:
    """The numbers of classes given by name, int64 [rows]; None without classes to choose from. DataError for other names."""
    if not classes:
        if y is not None:
            raise DataError("labels were given, this model is not conditional: leave them out")
        return None
    known = {name: number for number, name in enumerate(classes)}
    if y is None:
        raise DataError(f"this model is conditional: give labels, out of {', '.join(classes[:20])}")
    names = [str(name) for name in np.ravel(np.asarray(y))]
    wrong = next((name for name in names if name not in known), None)
    if wrong is not None:
        raise DataError(f"no class {wrong!r}: {suggest(wrong, known)}")
    if len(names) not in (1, rows):
        raise DataError(
            f"{len(names)} labels were given for {rows} rows: give one for each, or one for all"
        )
    return np.broadcast_to(np.array([known[name] for name in names], np.int64), rows)
