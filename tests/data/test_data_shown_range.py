"""The values that pictures show as black and as white."""

import numpy as np
import pytest

from vaekit.data import Support
from vaekit.data.shown_range import shown_range

BYTES = Support("integers", 256)
DEEP = Support("integers", 2**16)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("x", "support", "ends"),
    [
        (RNG.integers(0, 256, 1000), BYTES, (0, 255)),
        (RNG.integers(0, 100, 1000), BYTES, (0, 255)),
        (np.full(100, 30), DEEP, (0, 65535)),
        (RNG.uniform(0, 1, 1000), Support("unit"), (0, 1)),
        ((RNG.uniform(0, 1, 1000) > 0.999), Support("binary"), (0, 1)),
        (np.array([np.nan]), Support("real"), (0, 1)),
    ],
    ids=["bytes", "darker bytes", "constant", "unit", "binary", "NaN"],
)
def test_the_ends_of_the_support_are_black_and_white(x, support, ends):
    assert shown_range(x, support) == ends


@pytest.mark.parametrize(
    ("x", "support"),
    [
        (RNG.integers(0, 4096, 1000), DEEP),
        (RNG.integers(100, 140, 1000), BYTES),
        (RNG.uniform(0.4, 0.5, 1000), Support("unit")),
        (RNG.normal(0, 50, 1000), Support("real")),
    ],
    ids=["12 of 16 bits", "bytes", "unit", "real"],
)
def test_faint_and_real_values_fill_the_range_from_black_to_white(x, support):
    low, high = shown_range(x, support)
    assert ((x < low).mean(), (x > high).mean()) == pytest.approx((0.005, 0.005), abs=0.006)
