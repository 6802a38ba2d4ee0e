"""The verdict of a run is read from a summary that may come from elsewhere."""

import json

import pytest

from raising import raises
from vaekit.errors import RunError
from vaekit.runs.summary import parse_summary
from vaekit.runs.verdict import Finding, read_verdict

GOOD = {"kind": "collapse", "text": "0 of 16 latent dimensions are active."}


METRICS = {name: {"value": 1.0} for name in ("loss", "reconstruction", "divergence")}
SUMMARY = {"test": METRICS, "epochs": 2, "best_epoch": 1, "seconds": 0.5}


def summary_with(verdict: object) -> str:
    return json.dumps({**SUMMARY, "verdict": verdict})


def test_a_verdict_is_read_in_order():
    other = {"kind": "diverged", "text": "Loss < 0.", "more": [1]}
    assert read_verdict(parse_summary(summary_with([GOOD, other]), "summary")) == (
        Finding("collapse", "0 of 16 latent dimensions are active."),
        Finding("diverged", "Loss < 0."),
    )


def test_a_missing_verdict_is_empty():
    assert read_verdict(parse_summary(json.dumps(SUMMARY), "summary")) == ()


@pytest.mark.parametrize(
    "verdict",
    [
        "text",
        [GOOD] * 21,
        ["text"],
        [{"kind": "a"}],
        [{"text": "b"}],
        [{"kind": 1, "text": "b"}],
        [{"kind": "a", "text": ["b"]}],
        [{"kind": "a", "text": "two\nlines"}],
        [{"kind": "a", "text": "\x1b[31mred"}],
        [{"kind": "a", "text": "x" * 501}],
        [{"kind": "x" * 51, "text": "b"}],
    ],
)
def test_an_invalid_verdict_is_refused(verdict):
    with raises(RunError):
        parse_summary(summary_with(verdict), "summary")
