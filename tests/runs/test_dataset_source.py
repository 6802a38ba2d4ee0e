"""The dataset of a configuration: missing, changed, or in memory."""

import pytest

from raising import raises
from vaekit.errors import DataError
from vaekit.runs.dataset_source import load_dataset


@pytest.mark.parametrize("field", ["source", "test"])
@pytest.mark.parametrize("source", ["elsewhere.npz", "/no/such.npz", "x" * 5000, "a\0b"])
def test_missing_data_are_refused(small_run, field, source):
    with raises(DataError):
        load_dataset(small_run.config.changed({"data": {field: source}}))


def test_arrays_in_memory_must_be_passed_again(small_run):
    config = small_run.config.changed({"data": {"source": "in-memory"}})
    with raises(DataError, "data"):
        load_dataset(config)


def test_an_unknown_name_in_a_configuration_without_records_is_refused(small_run):
    config = small_run.config.changed({"data": {"source": "mnits", "fingerprint": None}})
    with raises(DataError, "data"):
        load_dataset(config)


def test_changed_data_are_refused(small_run):
    with raises(DataError, "data"):
        load_dataset(small_run.config.changed({"data": {"fingerprint": "0" * 64}}))
