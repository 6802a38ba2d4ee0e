import numpy as np
import pytest

from vaekit.data import Support, Transform
from vaekit.errors import ConfigError, DataError


@pytest.mark.parametrize("text", ["binary", "unit", "real", "integers:2", "integers:256"])
def test_text_and_back(text):
    assert str(Support.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "untt",
            "unknown support 'untt': did you mean 'unit'\\? Allowed: binary, integers, real, unit",
        ),
        ("integers", "needs its number of levels, 2 or more"),
        ("integers:1", "needs its number of levels, 2 or more"),
        ("integers:-4", "what follows the colon is the number of levels"),
        ("integers:", "what follows the colon"),
        ("unit:3", "'unit' has no levels"),
        ("", "unknown support ''"),
    ],
)
def test_bad_text(text, message):
    with pytest.raises(ConfigError, match=message):
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


def test_default_rule_sees_every_block(monkeypatch):
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
        ("real", np.array([[-1e30, 1e30]])),
        ("real", np.array([[-3]])),
    ],
)
def test_values_within(support, x):
    Support.parse(support).check(x, "here")


@pytest.mark.parametrize(
    ("support", "value", "message"),
    [
        ("binary", 0.5, "row 2 holds 0.5, binary data are 0 and 1: rescale .*--support real"),
        ("unit", 1.5, "row 2 holds 1.5, unit data are numbers from 0 to 1"),
        ("unit", -0.1, "row 2 holds -0.1"),
        ("integers:17", 17.0, "row 2 holds 17.0, integers:17 data are whole numbers from 0 to 16"),
        ("integers:17", 3.5, "row 2 holds 3.5"),
        ("integers:17", -1.0, "row 2 holds -1.0"),
    ],
)
@pytest.mark.parametrize("block", [8, 2**24])
def test_first_value_outside_is_named(support, value, message, block, monkeypatch):
    monkeypatch.setattr("vaekit.data.file_reading.BLOCK_BYTES", block)
    x = np.zeros((5, 2, 2))
    x[2, 1, 0] = x[4, 0, 0] = value
    with pytest.raises(DataError, match=f"^here: {message}"):
        Support.parse(support).check(x, "here")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("support", ["binary", "unit", "integers:4", "real"])
def test_only_finite_numbers(support, value):
    x = np.zeros((3, 2))
    x[1, 1] = value
    with pytest.raises(
        DataError, match=f"here: row 1 holds {value}, every value must be a finite number"
    ):
        Support.parse(support).check(x, "here")


@pytest.mark.parametrize(
    ("support", "accepts", "shown"),
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
def test_transform_for_what_is_accepted(support, accepts, shown):
    assert Support.parse(support).transform(accepts) == shown


@pytest.mark.parametrize(
    ("support", "accepts"),
    [("real", ("binary", "unit")), ("unit", ("binary",)), ("integers:4", ("binary",))],
)
def test_no_transform(support, accepts):
    with pytest.raises(
        DataError, match=f"the data are {support}, the model accepts {' or '.join(accepts)}: choose"
    ):
        Support.parse(support).transform(accepts)


def test_every_level_survives_the_way_there_and_back():
    transform = Support("integers", 256).transform(("unit",))
    levels = np.arange(256.0)
    shown = transform.forward(levels, np.float32)
    assert shown.dtype == np.float32 and shown.min() == 0 and shown.max() == 1
    assert np.array_equal(np.rint(transform.inverse(shown)), levels)


def test_nothing_to_do_copies_nothing():
    x = np.ones(3)
    transform = Transform("real")
    assert transform.forward(x) is x and transform.inverse(x) is x


def test_works_on_tensors():
    torch = pytest.importorskip("torch")
    transform = Transform("unit", 255.0)
    x = torch.tensor([0, 51, 255], dtype=torch.uint8)
    shown = transform.forward(x, torch.float64)
    assert shown.dtype == torch.float64 and shown.tolist() == [0, 0.2, 1]
    assert transform.inverse(shown).tolist() == [0, 51, 255]
