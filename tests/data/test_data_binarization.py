"""Gray to binary."""

import numpy as np
import pytest

from vaekit.data import Dataset, Examples, Support
from vaekit.data.binarization import binarize
from vaekit.errors import ConfigError, DataError


def gray(value: float, rows: int = 200, levels: int = 0) -> Dataset:
    x = np.full((rows, 1, 10, 10), value, np.uint8 if levels else np.float64)
    labels = np.arange(rows) % 2
    support = Support("integers", levels) if levels else Support("unit")
    return Dataset("gray", Examples(x, labels), Examples(x[:7], labels[:7]), support, ("a", "b"))


@pytest.mark.parametrize(("value", "levels"), [(0.3, 0), (51, 256), (4, 17)])
def test_the_fixed_draw_is_one_as_often_as_the_gray_value_says(value, levels):
    data = binarize(gray(value, levels=levels), "fixed")
    p = value / max(1, levels - 1)
    assert data.train.x.dtype == bool and str(data.support) == "binary"
    assert abs(data.train.x.mean() - p) < 5 * np.sqrt(p * (1 - p) / data.train.x.size)
    assert (data.train.x[0] != data.train.x[1]).any()


def test_the_fixed_draw_is_the_same_for_everybody():
    first, second = (binarize(gray(0.3), "fixed") for _ in range(2))
    assert first.fingerprint() == second.fingerprint()


def test_certain_pixels_are_certain():
    for value, expected in ((0, False), (255, True)):
        assert (binarize(gray(value, levels=256), "fixed").train.x == expected).all()


def test_the_threshold_is_one_half():
    values = np.array([[0.0, 0.5, 0.5001, 1.0]])
    data = binarize(Dataset("few", Examples(values), None, Support("unit")), "threshold")
    np.testing.assert_array_equal(data.train.x, [[False, False, True, True]])


def test_labels_classes_and_parts_stay():
    before, after = gray(0.3), binarize(gray(0.3), "fixed")
    assert after.classes == before.classes
    np.testing.assert_array_equal(after.train.y, before.train.y)
    assert len(after.test) == 7


def test_dynamic_judges_on_the_fixed_draw_and_keeps_the_gray_values_to_train_on():
    before = gray(51, levels=256)
    after, fixed = binarize(before, "dynamic"), binarize(before, "fixed")
    assert after.fingerprint() == fixed.fingerprint() and fixed.gray is None
    assert after.gray is not None and after.gray.x is before.train.x and after.gray.top == 255


def test_what_cannot_be_binarised_is_refused():
    with pytest.raises(ConfigError, match="binarize 'fixd': did you mean 'fixed'"):
        binarize(gray(0.3), "fixd")
    real = Dataset("wide", Examples(np.full((2, 2), 7.0)), None, Support("real"))
    with pytest.raises(DataError, match="'wide' is real: only gray values can be binarised"):
        binarize(real, "fixed")
