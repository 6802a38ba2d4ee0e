"""Locks on open files: one holder, and a bounded wait for it."""

import os

import pytest

from vaekit.files.lock import lock_file, wait_for_lock

pytest.importorskip("fcntl")


@pytest.fixture
def descriptors(tmp_path):
    """Two descriptors of one file, opened apart."""
    opened = [os.open(tmp_path, os.O_RDONLY) for _ in range(2)]
    yield opened
    for descriptor in opened:
        os.close(descriptor)


def test_one_descriptor_alone_has_the_lock(descriptors):
    first, second = descriptors
    assert lock_file(first) and lock_file(first)
    assert not lock_file(second)


def test_a_wait_ends_with_the_lock_or_its_time(descriptors, tmp_path):
    first, second = descriptors
    assert lock_file(first)
    with pytest.raises(BlockingIOError):
        wait_for_lock(second, 0.05)
    os.close(first)
    wait_for_lock(second, 0.05)
    descriptors[0] = os.open(tmp_path, os.O_RDONLY)
    assert not lock_file(descriptors[0])
