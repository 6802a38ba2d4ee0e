"""Text of others as one printable line of bounded length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaekit.errors import DataError, VaekitError
from vaekit.printable import MAX_LINE_CHARACTERS, printable

HOSTILE = {
    "escape sequence": "\x1b]0;title\x07\x1b[2J",
    "lines": "a\nb\r\nc\x85d\u2028e\u2029f",
    "bidirectional": "\u202aa\u202eb\u2066c\u2069d\u200f",
    "invisible": "a\u200bb\u200dc\ufeffd\u00ade",
    "lone surrogate": "\udcff",
    "null": "\0",
    "long": "x" * 10**6,
    "long and hostile": "\x1b" * 10**6,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_one_short_printable_line(text: str):
    line = printable(text)
    assert line.isprintable() and 0 < len(line) <= MAX_LINE_CHARACTERS
    line.encode("utf-8")


@given(st.text(), st.integers(9, 50))
def test_any_text_is_printable_and_no_longer_than_allowed(text: str, limit: int):
    line = printable(text, limit)
    assert line.isprintable() and len(line) <= limit
    assert line == text or not text.isprintable() or len(text) > limit


def test_a_long_line_keeps_its_beginning_and_its_end():
    line = printable(f"cannot read {'x' * 10_000}: no such file. Check its path.")
    assert line.startswith("cannot read x") and line.endswith("x: no such file. Check its path.")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_error_is_one_short_printable_line(text: str):
    for error in (VaekitError(text), DataError.for_value("x", text, text, problem=text, fix=text)):
        assert str(error).isprintable() and len(str(error)) <= MAX_LINE_CHARACTERS
