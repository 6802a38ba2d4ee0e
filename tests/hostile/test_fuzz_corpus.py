"""Every reader accepts its seeds, and reads or refuses each input that fuzzing has kept."""

import pytest

from tool_loading import load_tool
from vaekit.errors import VaekitError

fuzz = load_tool("fuzz_readers", "benchmarks")
kept_inputs = load_tool("fuzz_inputs", "benchmarks").kept_inputs


@pytest.fixture(params=fuzz.READERS)
def reader(request) -> str:
    """The name of a reader."""
    return request.param


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Files of the readers are below the folder of the test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fuzz.small_run.cache_clear()


def test_seeds_are_accepted(reader):
    seeds, make = fuzz.READERS[reader]
    read = make()
    assert [refusal(read, seed) for seed in seeds()] == [None] * len(seeds())


def test_kept_inputs_are_read_or_refused(reader):
    inputs = kept_inputs(reader)
    assert inputs, "fuzz this reader, and keep what that reaches"
    _, make = fuzz.READERS[reader]
    read = make()
    refusals = [error for content in inputs if (error := refusal(read, content))]
    assert all(str(error).isprintable() for error in refusals)


def refusal(read, content: bytes) -> VaekitError | None:
    """The error of the package about an input, or None; other errors pass."""
    try:
        read(content)
    except VaekitError as error:
        return error
    return None
