"""Values of a run as pixels: floats in [0, 1] with one or three channels."""

import numpy as np
from torch import Tensor

from vaekit.runs import Run


def to_pixels(run: Run, values: np.ndarray | Tensor, like: np.ndarray | None = None) -> np.ndarray:
    """What the model takes or gives, as pixels; other data than images as they are.

    Args:
        run: The run.
        values: [..., *shape] as the model takes or gives them.
        like: Raw examples whose range real-valued images, which have no scale of their own, get.
    """
    values = values.numpy(force=True) if isinstance(values, Tensor) else np.asarray(values)
    if len(run.model.data_shape) != 3:
        return values
    if like is not None and run.transform.kind == "real":
        low, high = np.percentile(like, (0.5, 99.5))
        values = (values - low) / max(high - low, 1e-12)
    if values.shape[-3] not in (1, 3):
        values = np.mean(values, -3, keepdims=True)
    return np.clip(values, 0, 1)
