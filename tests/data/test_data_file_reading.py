"""A machine that fails to read a file is told apart from a file that is at fault."""

import errno
import os

import pytest

from raising import raises
from vaekit.data.file_reading import data_errors
from vaekit.errors import DataError, DiskError, MemoryShortage, RunError
from vaekit.runs.files import read_file

MACHINE = ("EIO", "EMFILE", "ENFILE", "ENOMEM")
FILE = ("EACCES", "ENOENT", "EISDIR", "ELOOP", "ENAMETOOLONG", "EFBIG")


@pytest.mark.parametrize(
    ("name", "kind"), [(n, DiskError) for n in MACHINE] + [(n, DataError) for n in FILE]
)
def test_failures_to_read_data(name, kind):
    number = getattr(errno, name)
    with raises(kind), data_errors("x.npy"):
        raise OSError(number, os.strerror(number))


def test_exhausted_memory_is_no_fault_of_the_file():
    with raises(MemoryShortage), data_errors("x.npy"):
        raise MemoryError


def test_reasons_show_no_memory_of_the_process():
    with pytest.raises(DataError) as caught, data_errors("x.npy"):
        raise ValueError(f"malformed node: {object()!r}")
    assert "0x" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"), [(n, DiskError) for n in MACHINE] + [(n, RunError) for n in FILE]
)
def test_failures_to_read_a_run(tmp_path, monkeypatch, name, kind):
    def fail(*_arguments, **_options):
        raise OSError(getattr(errno, name), os.strerror(getattr(errno, name)))

    monkeypatch.setattr("vaekit.runs.files.read_regular", fail)
    with raises(kind):
        read_file(tmp_path, "config.yaml", 100)
