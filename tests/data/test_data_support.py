"""Supports: text, default rule, checks, transforms."""

import numpy as np
import pytest

from raising import raises
from vaekit.data import Support, Transform
from vaekit.errors import ConfigError, DataError


@pytest.mark.parametrize("text", ["binary", "unit", "real", "integers:2", "integers:256"])
def test_text_and_back(text):
    assert str(Support.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["untt", "integers", "integers:1", "integers:-4", "integers:", "unit:3", ""]
)
def test_other_text_is_refused(text):
    with raises(ConfigError, "support"):
        Support.parse(text)


@pytest.mark.parametrize(
    ("x", "support"),
    [
        (np.array([True, False]), "binary"),
        (np.array([0, 1], np.uint8), "integers:256"),
        (np.array([0.0, 1.0], np.float32), "unit"),
        (np.array([0.0, 1.0 + 1e-6]), "real"),
        (np.array([-1e-9, 1.0]), "real"),
        (np.array([0, 1]), "real"),
        (np.array([0.5, np.nan]), "real"),
    ],
)
def test_default_rule(x, support):
    assert str(Support.of(x)) == support


def test_default_rule_reads_every_block(monkeypatch):
    monkeypatch.setattr("vaekit.data.file_reading.BLOCK_BYTES", 16)
    x = np.zeros((100, 2))
    assert str(Support.of(x)) == "unit"
    x[99, 1] = 2
    assert str(Support.of(x)) == "real"


@pytest.mark.parametrize(
    ("support", "x"),
    [
        ("binary", np.array([[0.0, 1.0]])),
        ("binary", np.array([[True, False]])),
        ("binary", np.array([[0, 1]], np.uint8)),
        ("unit", np.array([[0.0, 1.0]])),
        ("unit", np.array([[True]])),
        ("integers:256", np.array([[0, 255]], np.uint8)),
        ("integers:17", np.array([[0, 16]])),
        ("integers:17", np.array([[0.0, 16.0]])),
        ("integers:2", np.array([[True]])),
        ("real", np.array([[-1e18, 1e19]])),
        ("real", np.array([[-3]])),
    ],
)
def test_values_within_pass(support, x):
    Support.parse(support).check(x, "x")  # raises nothing


@pytest.mark.parametrize(
    ("support", "value"),
    [
        ("binary", 0.5),
        ("unit", 1.5),
        ("unit", -0.1),
        ("integers:17", 17.0),
        ("integers:17", 3.5),
        ("integers:17", -1.0),
    ],
)
@pytest.mark.parametrize("block", [8, 2**24])
def test_the_first_example_outside_is_named(support, value, block, monkeypatch):
    monkeypatch.setattr("vaekit.data.file_reading.BLOCK_BYTES", block)
    x = np.zeros((5, 2, 2))
    x[2, 1, 0] = x[4, 0, 0] = value
    with pytest.raises(DataError) as caught:
        Support.parse(support).check(x, "these", parameter="x")
    assert caught.value.parameter == "x"
    assert "example 2 of these" in str(caught.value) and str(value) in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("support", ["binary", "unit", "integers:4", "real"])
def test_only_finite_numbers_pass(support, value):
    x = np.zeros((3, 2))
    x[1, 1] = value
    with raises(DataError, "x"):
        Support.parse(support).check(x, "these", parameter="x")


@pytest.mark.parametrize(
    ("support", "accepts", "expected"),
    [
        ("binary", ("binary", "unit"), Transform("binary")),
        ("binary", ("unit",), Transform("unit")),
        ("binary", ("real",), Transform("real")),
        ("unit", ("unit", "real"), Transform("unit")),
        ("unit", ("real",), Transform("real")),
        ("integers:256", ("integers", "unit"), Transform("integers", 255.0)),
        ("integers:256", ("unit",), Transform("unit", 255.0)),
        ("integers:17", ("real", "unit"), Transform("unit", 16.0)),
        ("integers:17", ("real",), Transform("real", 16.0)),
        ("real", ("unit", "real"), Transform("real")),
    ],
)
def test_transform_to_an_accepted_kind(support, accepts, expected):
    assert Support.parse(support).transform(accepts) == expected


@pytest.mark.parametrize(
    ("support", "accepts"),
    [("real", ("binary", "unit")), ("unit", ("binary",)), ("integers:4", ("binary",))],
)
def test_no_transform_to_an_accepted_kind(support, accepts):
    with raises(DataError, "support"):
        Support.parse(support).transform(accepts)


def test_inverse_restores_every_level():
    transform = Support("integers", 256).transform(("unit",))
    levels = np.arange(256.0)
    inputs = transform.forward(levels, np.float32)
    assert inputs.dtype == np.float32 and inputs.min() == 0 and inputs.max() == 1
    assert np.array_equal(np.rint(transform.inverse(inputs)), levels)


def test_the_identity_does_not_copy():
    x = np.ones(3)
    transform = Transform("real")
    assert transform.forward(x) is x and transform.inverse(x) is x


def test_tensors_are_transformed():
    torch = pytest.importorskip("torch")
    transform = Transform("unit", 255.0)
    x = torch.tensor([0, 51, 255], dtype=torch.uint8)
    inputs = transform.forward(x, torch.float64)
    assert inputs.dtype == torch.float64 and inputs.tolist() == [0, 0.2, 1]
    assert transform.inverse(inputs).tolist() == [0, 51, 255]


@pytest.mark.parametrize(
    ("dtype", "largest", "images", "vectors"),
    [
        (bool, 1, "binary", "binary"),
        (np.uint8, 255, "integers:256", "integers:256"),
        (np.uint16, 9, "integers:65536", "integers:65536"),
        (np.int8, 100, "integers:256", "real"),
        (np.int16, 255, "integers:256", "real"),
        (np.int16, 256, "integers:65536", "real"),
        (np.int64, 255, "integers:256", "real"),
        (np.uint32, 65_535, "integers:65536", "real"),
        (np.uint64, 65_536, "real", "real"),
        (np.int32, -1, "real", "real"),
    ],
)
def test_the_support_of_whole_numbers(dtype, largest, images, vectors):
    x = np.array([0, largest]).astype(dtype)
    assert str(Support.of(x.reshape(1, 1, 1, 2))) == images
    assert str(Support.of(x.reshape(1, 2))) == vectors
