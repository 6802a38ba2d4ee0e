"""Gray images from color images, and the reverse."""

import numpy as np

GRAY_WEIGHTS = np.array([0.299, 0.587, 0.114])
"""Lightness of red, green and blue (ITU-R 601), as in Pillow."""


def with_channels(x: np.ndarray, channels: int) -> np.ndarray:
    """Gray images as color images or color images as gray ones; others as they are.

    Args:
        x: Images [N, C, H, W].
        channels: The number of channels to have.

    >>> with_channels(np.full((2, 3, 4, 4), 7, np.uint8), 1).shape
    (2, 1, 4, 4)
    """
    if (x.shape[1], channels) == (1, 3):
        return np.repeat(x, 3, axis=1)
    if (x.shape[1], channels) == (3, 1):
        return _lightness(x)
    return x


def _lightness(x: np.ndarray) -> np.ndarray:
    values = np.tensordot(x, GRAY_WEIGHTS, (1, 0))
    if x.dtype.kind in "iu":
        values = np.round(values)
    return values[:, None].astype(x.dtype)
