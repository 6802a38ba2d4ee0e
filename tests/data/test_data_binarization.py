"""Gray values to zeros and ones."""

import numpy as np
import pytest

from raising import raises
from vaekit.data import Dataset, Examples, Support, file_reading
from vaekit.data.binarization import binarize
from vaekit.errors import ConfigError, DataError


def gray(value: float, count: int = 200, levels: int = 0) -> Dataset:
    """Images of one gray value."""
    x = np.full((count, 1, 10, 10), value, np.uint8 if levels else np.float64)
    labels = np.arange(count) % 2
    support = Support("integers", levels) if levels else Support("unit")
    return Dataset("gray", Examples(x, labels), Examples(x[:7], labels[:7]), support, ("a", "b"))


@pytest.mark.parametrize(("value", "levels"), [(0.3, 0), (51, 256), (4, 17)])
def test_fixed_samples_are_one_with_the_probability_of_the_gray_value(value, levels):
    data = binarize(gray(value, levels=levels), "fixed")
    p = value / max(1, levels - 1)
    assert data.train.x.dtype == bool and str(data.support) == "binary"
    assert abs(data.train.x.mean() - p) < 5 * np.sqrt(p * (1 - p) / data.train.x.size)
    assert (data.train.x[0] != data.train.x[1]).any()


def test_fixed_samples_are_always_the_same():
    first, second = (binarize(gray(0.3), "fixed") for _ in range(2))
    assert first.fingerprint() == second.fingerprint()


def test_fixed_samples_of_several_blocks_are_those_of_one(monkeypatch):
    one = binarize(gray(0.3), "fixed")
    monkeypatch.setattr(file_reading, "BLOCK_BYTES", gray(0.3).train.x[:30].nbytes)
    assert binarize(gray(0.3), "fixed").fingerprint() == one.fingerprint()


def test_equal_examples_of_both_parts_have_different_samples():
    data = binarize(gray(0.5), "fixed")
    assert (data.train.x[:7] != data.test.x).mean() > 0.4


def test_black_and_white_pixels_stay():
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


def test_dynamic_evaluates_on_the_fixed_samples_and_keeps_gray_values_to_train_on():
    before = gray(51, levels=256)
    after, fixed = binarize(before, "dynamic"), binarize(before, "fixed")
    assert after.fingerprint() == fixed.fingerprint() and fixed.gray is None
    assert after.gray is before.train.x and after.gray_max == 255


def test_other_methods_and_other_data_are_refused():
    with raises(ConfigError, "binarize"):
        binarize(gray(0.3), "fixd")
    real = Dataset("wide", Examples(np.full((2, 2), 7.0)), None, Support("real"))
    with raises(DataError, "binarize"):
        binarize(real, "fixed")


def test_binary_data_stay():
    binary = Dataset("few", Examples(np.array([[0, 1]])), None, Support("binary"))
    assert binarize(binary, "fixed") is binary and binarize(binary, None) is binary
