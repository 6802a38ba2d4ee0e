"""The verdict of a run is read from a summary that may come from elsewhere."""

import pytest

from vaekit.runs.verdict import Finding, read_verdict

GOOD = {"kind": "collapse", "text": "0 of 16 latent dimensions are active."}


def test_a_verdict_is_read_in_order():
    other = {"kind": "diverged", "text": "Loss < 0.", "more": [1]}
    assert read_verdict({"verdict": [GOOD, other]}) == (
        Finding("collapse", "0 of 16 latent dimensions are active."),
        Finding("diverged", "Loss < 0."),
    )


@pytest.mark.parametrize("verdict", [None, "text", {"kind": "a", "text": "b"}, 3, []])
def test_a_missing_verdict_or_another_type_is_empty(verdict):
    assert read_verdict({"verdict": verdict}) == read_verdict({}) == ()


@pytest.mark.parametrize(
    "item",
    [
        "text",
        {"kind": "a"},
        {"text": "b"},
        {"kind": 1, "text": "b"},
        {"kind": "a", "text": ["b"]},
        {"kind": "a", "text": ""},
        {"kind": "a", "text": "two\nlines"},
        {"kind": "a", "text": "\x1b[31mred"},
        {"kind": "a", "text": "x" * 501},
        {"kind": "x" * 51, "text": "b"},
    ],
)
def test_invalid_findings_are_left_out(item):
    assert read_verdict({"verdict": [item, GOOD]}) == (Finding(**GOOD),)


def test_at_most_twenty_findings_are_read():
    assert len(read_verdict({"verdict": [GOOD] * 100})) == 20
