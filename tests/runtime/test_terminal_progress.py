"""Progress without a terminal: few lines, and only where they are asked for."""

import pytest

from vaekit.runtime import terminal_progress
from vaekit.runtime.terminal_progress import MAX_LINES, progress_lines, track


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [0.0]
    monkeypatch.setattr(terminal_progress.time, "monotonic", lambda: now[0])
    return now


def work(clock, steps: int, seconds: float, description: str = "working") -> None:
    for _ in track(range(steps), description):
        clock[0] += seconds


def test_short_work_prints_nothing(clock, capsys):
    with progress_lines():
        work(clock, steps=9, seconds=1.0)
    assert capsys.readouterr().err == ""


def test_long_work_says_how_much_is_left(clock, capsys):
    with progress_lines():
        work(clock, steps=4, seconds=10.0)
    assert capsys.readouterr().err.splitlines() == [
        "working: 25%, 30 s left",
        "working: 50%, 20 s left",
        "working: 75%, 10 s left",
    ]


def test_all_work_of_a_block_shares_at_most_thirty_lines(clock, capsys):
    with progress_lines():
        for stage in range(10):
            work(clock, steps=10_000, seconds=1000.0, description=f"stage {stage}")
    lines = capsys.readouterr().err.splitlines()
    assert 10 < len(lines) <= MAX_LINES == 30
    assert lines[-1].startswith("stage 9")


def test_work_outside_a_block_prints_nothing(clock, capsys):
    work(clock, steps=4, seconds=100.0)
    assert capsys.readouterr().err == ""


def test_steps_of_unknown_number_are_passed_on(clock, capsys):
    with progress_lines():
        assert list(track(iter([1, 2, 3]), "working")) == [1, 2, 3]
