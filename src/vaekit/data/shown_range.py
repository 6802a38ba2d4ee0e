"""The values that pictures show as black and as white."""

import numpy as np

from vaekit.data.support import Support

PERCENTILES = (0.5, 99.5)
LOW_CONTRAST = 0.25
"""Images that use less of their support than this share are shown over the range that they use."""


def shown_range(x: np.ndarray, support: Support) -> tuple[float, float]:
    """Black and white: the ends of the support, or of most values.

    The middle 99 % of real values, which have no ends, and of images that would be almost of one
    shade, such as 12 bits of 16.

    Args:
        x: Raw values of any shape.
        support: Their support.

    >>> shown_range(np.arange(256), Support("integers", 256))
    (0.0, 255.0)
    >>> shown_range(np.arange(1000), Support("integers", 65536))
    (4.995, 994.005)
    """
    top = float(max(1, support.levels - 1))
    if support.kind == "binary":
        return 0.0, top
    finite = x[np.isfinite(x)]
    if not finite.size:
        return 0.0, top
    low, high = (float(value) for value in np.percentile(finite, PERCENTILES))
    is_faint = 0 < high - low < LOW_CONTRAST * top
    return (low, high) if support.kind == "real" or is_faint else (0.0, top)
