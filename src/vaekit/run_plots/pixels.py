"""Values of a run as pixels: floats in [0, 1] with one or three channels."""

import numpy as np
from torch import Tensor

from vaekit.data.shown_range import shown_range
from vaekit.runs import Run


def to_pixels(run: Run, values: np.ndarray | Tensor, like: np.ndarray | None = None) -> np.ndarray:
    """Inputs or outputs of the model as pixels; data other than images stay unchanged.

    Args:
        run: The run.
        values: Inputs or outputs of the model [..., *shape].
        like: Raw examples that set the range if `has_own_range`, as `shown_range` says.
    """
    values = values.numpy(force=True) if isinstance(values, Tensor) else np.asarray(values)
    if len(run.model.data_shape) != 3:
        return values
    if like is not None and has_own_range(run):
        low, high = (run.transform.forward(value) for value in shown_range(like, run.support))
        values = (values - low) / max(high - low, 1e-12)
    if values.shape[-3] not in (1, 3):
        values = np.mean(values, -3, keepdims=True)
    return np.clip(values, 0, 1)


def has_own_range(run: Run) -> bool:
    """Whether black and white depend on the data: real values, and images that are normalized."""
    return run.transform.kind == "real" or run.config.data.normalize not in (None, "none")
