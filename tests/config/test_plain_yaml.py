"""Plain YAML: bounded in every direction, with either parser, and read as it was written."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vaekit.config import plain_yaml
from vaekit.config.plain_yaml import MAX_DEPTH, MAX_KEYS, MAX_VALUES, dump_plain, load_plain

LOADERS = {"libyaml": plain_yaml.LOADER, "Python": yaml.SafeLoader}


@pytest.fixture(params=LOADERS, autouse=True)
def loader(request, monkeypatch):
    monkeypatch.setattr(plain_yaml, "LOADER", LOADERS[request.param])


class CountedText:
    """A text that counts the characters that were read of it."""

    def __init__(self, text: str):
        self.text = text.encode()
        self.read_bytes = 0

    def read(self, size: int) -> bytes:
        piece = self.text[self.read_bytes : self.read_bytes + size]
        self.read_bytes += len(piece)
        return piece


EXCESS = {
    "keys": "\n".join(f"k{i}: 1" for i in range(10 * MAX_KEYS)),
    "keys of many mappings": "a: [" + "{b: 1}," * 10 * MAX_KEYS + "]",
    "levels": "a: " + "[" * 100_000,
    "levels of blocks": "\n".join(f"{' ' * i}a:" for i in range(500)),
    "levels of keys": "? " * 100_000,
    "equal keys": "a: 1\n" * 100_000,
    "aliases": "a: &a [1]\nb: [" + "*a," * 100_000,
}


@pytest.mark.parametrize("text", EXCESS.values(), ids=EXCESS)
def test_excess_is_refused_before_the_rest_is_read(text: str):
    counted = CountedText(text)
    with pytest.raises(yaml.YAMLError):
        load_plain(counted)  # pyright: ignore[reportArgumentType] - a parser reads streams as well
    assert counted.read_bytes < len(text) / 2


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("[" * (MAX_DEPTH) + "]" * (MAX_DEPTH), "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2)),
        (
            "\n".join(f"{i}: 1" for i in range(MAX_KEYS)),
            "\n".join(f"{i}: 1" for i in range(MAX_KEYS + 1)),
        ),
    ],
    ids=["levels", "keys"],
)
def test_the_bounds_are_exact_enough(allowed: str, refused: str):
    assert load_plain(allowed)
    with pytest.raises(yaml.YAMLError):
        load_plain(refused)


def test_the_number_of_values_is_bounded(monkeypatch):
    monkeypatch.setattr(plain_yaml, "MAX_VALUES", 10)
    assert load_plain("[1, 2, 3, 4, 5, 6, 7, 8, 9]") == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    with pytest.raises(yaml.YAMLError):
        load_plain("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]")


def test_the_classes_of_a_configuration_are_within_the_bounds():
    assert MAX_VALUES > 100_000  # the most classes of the schema
    names = [str(i) for i in range(1000)]
    assert load_plain(dump_plain({"data": {"classes": names}})) == {"data": {"classes": names}}


NAMES = ["08", "09", "010", "1e5", "1_000", "0x1", "0o7", "1:30", "on", "~", "null", "", "True"]
NAMES += [".5", ".nan", "-", "=", "<<", "!a", "&a", "*a", "a: b", "[a", "a #b", "2020-01-01", "'"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_looks_like_another_value_stays_text(name: str):
    assert load_plain(dump_plain({"classes": [name], name: 1})) == {"classes": [name], name: 1}


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.text().filter(str.isprintable) | st.integers(-(2**62), 2**62) | st.floats(-9, 9))
)
def test_what_is_written_is_read(values: list):
    assert load_plain(dump_plain(values)) == values


def test_a_number_with_leading_zeros_is_decimal():
    assert load_plain("[010, 08, -007]") == [10, 8, -7]
