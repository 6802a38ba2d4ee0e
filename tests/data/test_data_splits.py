"""Splits: proportions, seeds, and files that save them."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raising import raises
from vaekit.data import Dataset, Examples, Split, Support, split
from vaekit.errors import ConfigError, DataError

TEST_OFFSET = 1_000_000


def dataset(count, test=0, y=None):
    """Examples whose one value is their index, plus 1,000,000 for test examples."""
    classes = () if y is None else tuple(f"c{i}" for i in range(max(y) + 1))
    train = Examples(np.arange(count)[:, None], None if y is None else np.array(y, np.int64))
    held_out = None
    if test:
        test_labels = None if y is None else np.zeros(test, np.int64)
        held_out = Examples(np.arange(test)[:, None] + TEST_OFFSET, test_labels)
    return Dataset("toy", train, held_out, Support("real"), classes)


def parts_of(s):
    return [s.train, s.validation, s.test]


@settings(deadline=None)
@given(st.integers(3, 400), st.integers(0, 2**32), st.floats(0.01, 0.5))
def test_parts_are_sorted_disjoint_and_complete(count, seed, fraction):
    s = split(dataset(count), seed=seed, validation=fraction)
    indices = np.concatenate(parts_of(s))
    assert sorted(indices.tolist()) == list(range(count))
    for part in parts_of(s):
        assert len(part) and part.dtype == np.int64 and (np.diff(part) > 0).all()
    assert len(s.test) == max(1, round(count / 10))
    assert len(s.validation) == max(1, round(fraction * (count - len(s.test))))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=20, max_size=300), st.integers(0, 1000))
def test_classes_keep_their_proportions(labels, seed):
    labels += [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    y = np.array(labels)
    s = split(dataset(len(y), test=5, y=labels), seed=seed)
    counts = np.bincount(y[s.validation], minlength=5)
    ideal = np.bincount(y) * len(s.validation) / len(y)
    assert (np.abs(counts - ideal) < 1).all()


def test_a_class_of_one_example_ends_stratification_only():
    data = dataset(50, test=5, y=[0] * 49 + [1])
    splits = [split(data, seed=seed) for seed in range(100)]
    assert all(len(s.validation) == 5 and len(s.train) == 45 for s in splits)
    # In proportion, a class of 1 in 50 would never be among 5 examples.
    assert any(49 in s.validation for s in splits)


def test_the_split_depends_on_the_seed_alone():
    data = dataset(200)
    a, b, c = (split(data, seed=seed) for seed in (1, 1, 2))
    for x, y, z in zip(parts_of(a), parts_of(b), parts_of(c), strict=True):
        assert np.array_equal(x, y) and not np.array_equal(x, z)


def test_train_size_reduces_the_training_part_alone():
    data = dataset(200)
    complete, few, most = (split(data, seed=1, train_size=n) for n in (None, 20, 162))
    assert len(few.train) == 20 and set(few.train) < set(complete.train)
    assert np.array_equal(few.validation, complete.validation)
    assert np.array_equal(few.test, complete.test)
    assert np.array_equal(most.train, complete.train)
    with raises(ConfigError, "train_size"):
        split(data, seed=1, train_size=163)


@pytest.mark.parametrize("test", [0, 30])
@pytest.mark.parametrize("train_size", [7, 40, 150])
def test_train_size_keeps_the_proportions_of_the_classes(train_size, test):
    y = np.repeat([0, 1, 2], [200, 30, 10])
    data = dataset(len(y), test=test, y=y.tolist())
    for seed in range(5):
        complete, few = (split(data, seed=seed, train_size=n) for n in (None, train_size))
        counts = np.bincount(y[few.train], minlength=3)
        ideal = np.bincount(y[complete.train]) * train_size / len(complete.train)
        assert counts.sum() == train_size and (np.abs(counts - ideal) < 1).all()


def test_at_most_5000_examples_validate():
    s = split(dataset(60_000, test=10), seed=0)
    assert [len(part) for part in parts_of(s)] == [55_000, 5_000, 10]


def test_validating_on_the_test_examples():
    data = dataset(20, test=7)
    s = split(data, seed=0, validation="test", train_size=12)
    assert len(s.train) == 12 and s.validates_on_test
    assert np.array_equal(s.validation, s.test) and np.array_equal(s.test, np.arange(7))
    assert s.examples(data, "validation") is data.test and s.examples(data, "test") is data.test
    with raises(DataError, "validation"):
        split(dataset(20), seed=0, validation="test")


@pytest.mark.parametrize("test", [0, 9])
def test_examples_of_each_part(test):
    data = dataset(40, test=test)
    s = split(data, seed=3)
    offset = TEST_OFFSET if test else 0
    assert np.array_equal(s.examples(data, "train").x[:, 0], s.train)
    assert np.array_equal(s.examples(data, "validation").x[:, 0], s.validation)
    assert np.array_equal(s.examples(data, "test").x[:, 0], s.test + offset)
    assert s.counts() == {
        "train": len(s.train),
        "validation": len(s.validation),
        "test": len(s.test),
    }


def test_a_complete_part_is_not_copied():
    data = dataset(10, test=4)
    assert split(data, seed=0, validation="test").examples(data, "train") is data.train


def test_indices_beyond_the_dataset_are_refused():
    s = split(dataset(40), seed=0)
    with raises(DataError, "data"):
        s.examples(dataset(5), "train")


@pytest.mark.parametrize(("count", "test"), [(1, 0), (2, 0), (1, 3)])
def test_too_few_examples_are_refused(count, test):
    with raises(DataError, "data"):
        split(dataset(count, test=test), seed=0)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("seed", -1),
        ("seed", 0.5),
        ("validation", 0.0),
        ("validation", 1.0),
        ("validation", 1),
        ("validation", "tset"),
        ("validation", float("nan")),
        ("train_size", 0),
        ("train_size", 2.5),
    ],
)
def test_invalid_arguments_are_refused(parameter, value):
    with raises(ConfigError, parameter):
        split(dataset(20, test=5), **({"seed": 0} | {parameter: value}))


@pytest.mark.parametrize("validation", [0.2, "test"])
def test_saved_and_loaded(validation):
    data = dataset(30, test=6)
    s = split(data, seed=0, validation=validation)
    file = io.BytesIO()
    s.save(file)
    loaded = Split.load(io.BytesIO(file.getvalue()))
    assert all(np.array_equal(a, b) for a, b in zip(parts_of(s), parts_of(loaded), strict=True))
    assert loaded.validates_on_test == s.validates_on_test


ARRAYS = {
    "train": np.arange(3),
    "validation": np.array([5]),
    "test": np.array([6]),
    "validates_on_test": np.array(False),
}


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"train": np.array([[1]])}, "train"),
        ({"train": np.array([1.0])}, "train"),
        ({"train": np.array([2, 1])}, "train"),
        ({"train": np.array([1, 1])}, "train"),
        ({"test": np.array([-1])}, "test"),
        ({"test": np.array([5, np.iinfo(np.int64).min])}, "test"),
        ({"test": np.zeros(0, np.int64)}, "test"),
        ({"validation": np.array([2, 7])}, None),
        ({"extra": np.arange(2)}, None),
        ({"validates_on_test": np.array([0, 1])}, None),
        ({"train": np.array([{}], dtype=object)}, None),
    ],
)
def test_hostile_files_are_refused(changes, parameter):
    file = io.BytesIO()
    np.savez(file, **(ARRAYS | changes))
    with raises(DataError, parameter):
        Split.load(io.BytesIO(file.getvalue()))


def test_other_files_are_refused():
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    for content in (b"not a zip", empty.getvalue()):
        with raises(DataError):
            Split.load(io.BytesIO(content))
