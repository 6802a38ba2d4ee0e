"""Channels that a TIFF of a microscope stores as pages of their own, by its description.

Only numbers are taken from the description, and only if they account for every page.
"""

import math
import re

import numpy as np

OME_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")
OME_ATTRIBUTE = re.compile(r'\b(DimensionOrder|SizeC|SizeT|SizeZ)="([A-Z]{5}|\d{1,7})"')
IMAGEJ_SIZE = re.compile(r"^(channels|slices|frames)=(\d{1,7})$", re.MULTILINE)
IMAGEJ_AXES = {"channels": "C", "slices": "Z", "frames": "T"}
IMAGEJ_ORDER = "CZT"
"""The axes of pages, the fastest first."""
MAX_CHANNELS = 64
"""Of more, programs that guess axes have called the pages of a stack channels."""


def pages_by_channel(description: str, count: int, *, is_imagej: bool) -> np.ndarray:
    """The numbers of the pages [N, C] that are the channels of each image.

    Args:
        description: The description in the first page.
        count: The number of pages.
        is_imagej: Whether ImageJ wrote it; otherwise OME-XML is looked for.

    Returns:
        One page for each image unless the description names channels.

    >>> pages_by_channel("channels=2\\nslices=3", 6, is_imagej=True).tolist()
    [[0, 1], [2, 3], [4, 5]]
    """
    pages = np.arange(count)
    order, sizes = _imagej(description) if is_imagej else _ome(description)
    lengths = [sizes.get(axis, 1) for axis in order]
    if not 2 <= sizes.get("C", 1) <= MAX_CHANNELS or math.prod(lengths) != count:
        return pages[:, None]
    by_axis = pages.reshape(lengths[::-1])  # the fastest axis is the last one
    channels_last = np.moveaxis(by_axis, len(order) - 1 - order.index("C"), -1)
    return channels_last.reshape(-1, sizes["C"])


def _imagej(description: str) -> tuple[str, dict[str, int]]:
    found = IMAGEJ_SIZE.findall(description)
    return IMAGEJ_ORDER, {IMAGEJ_AXES[name]: int(size) for name, size in found}


def _ome(description: str) -> tuple[str, dict[str, int]]:
    elements = OME_PIXELS.findall(description)
    if len(elements) != 1:
        return IMAGEJ_ORDER, {}
    attributes = dict(OME_ATTRIBUTE.findall(elements[0]))
    order = attributes.pop("DimensionOrder", "")[2:]
    if sorted(order) != sorted(IMAGEJ_ORDER):
        return IMAGEJ_ORDER, {}
    return order, {name[-1]: int(size) for name, size in attributes.items() if size.isdigit()}
