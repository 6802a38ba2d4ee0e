import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaekit.data import Dataset, Examples, Split, Support, split
from vaekit.errors import ConfigError, DataError


def dataset(rows, test=0, y=None):
    """Rows that hold their own number, in vectors of one value; test rows are numbered from 1,000,000."""
    classes = () if y is None else tuple(f"c{i}" for i in range(max(y) + 1))
    train = Examples(np.arange(rows)[:, None], None if y is None else np.array(y, np.int64))
    held = (
        Examples(
            np.arange(test)[:, None] + 1_000_000, None if y is None else np.zeros(test, np.int64)
        )
        if test
        else None
    )
    return Dataset("toy", train, held, Support("real"), classes)


def parts_of(s):
    return [s.train, s.validation, s.test]


@settings(deadline=None)
@given(st.integers(3, 400), st.integers(0, 2**32), st.floats(0.01, 0.5))
def test_parts_are_sorted_disjoint_and_complete(rows, seed, fraction):
    s = split(dataset(rows), seed=seed, validation=fraction)
    together = np.concatenate(parts_of(s))
    assert sorted(together.tolist()) == list(range(rows))
    assert all(
        (np.diff(part) > 0).all() and len(part) and part.dtype == np.int64 for part in parts_of(s)
    )
    assert len(s.test) == max(1, round(rows / 10))
    assert len(s.validation) == max(1, round(fraction * (rows - len(s.test))))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=20, max_size=300), st.integers(0, 1000))
def test_classes_keep_their_proportions(labels, seed):
    labels += [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    y = np.array(labels)
    s = split(dataset(len(y), test=5, y=labels), seed=seed)
    counts = np.bincount(y[s.validation], minlength=5)
    ideal = np.bincount(y) * len(s.validation) / len(y)
    assert (np.abs(counts - ideal) < 1).all()


def test_a_class_of_one_row_ends_stratification_only():
    data = dataset(50, test=5, y=[0] * 49 + [1])
    splits = [split(data, seed=seed) for seed in range(100)]
    assert all(len(s.validation) == 5 and len(s.train) == 45 for s in splits)
    assert any(
        49 in s.validation for s in splits
    )  # in proportion, a class of 1 in 50 would never be among 5 rows


def test_seed_decides():
    data = dataset(200)
    a, b, c = (split(data, seed=seed) for seed in (1, 1, 2))
    for x, y, z in zip(parts_of(a), parts_of(b), parts_of(c), strict=True):
        assert np.array_equal(x, y) and not np.array_equal(x, z)


def test_limit_takes_from_the_training_rows_alone():
    data = dataset(200)
    whole, few, all_of_it = (split(data, seed=1, limit=n) for n in (None, 20, 162))
    assert len(few.train) == 20 and set(few.train) < set(whole.train)
    assert np.array_equal(few.validation, whole.validation) and np.array_equal(few.test, whole.test)
    assert np.array_equal(all_of_it.train, whole.train)
    with pytest.raises(ConfigError, match="limit 163 is more than the 162 training rows of 'toy'"):
        split(data, seed=1, limit=163)


def test_at_most_5000_rows_validate():
    s = split(dataset(60_000, test=10), seed=0)
    assert [len(part) for part in parts_of(s)] == [55_000, 5_000, 10]


def test_validating_on_the_test_rows():
    data = dataset(20, test=7)
    s = split(data, seed=0, validation="test", limit=12)
    assert len(s.train) == 12 and s.validates_on_test
    assert np.array_equal(s.validation, s.test) and np.array_equal(s.test, np.arange(7))
    assert s.rows(data, "validation") is data.test and s.rows(data, "test") is data.test
    with pytest.raises(
        DataError, match="validation='test' needs a test part, 'toy' has none: give one"
    ):
        split(dataset(20), seed=0, validation="test")


@pytest.mark.parametrize("test", [0, 9])
def test_rows_of_each_part(test):
    data = dataset(40, test=test)
    s = split(data, seed=3)
    offset = 1_000_000 if test else 0
    assert np.array_equal(s.rows(data, "train").x[:, 0], s.train)
    assert np.array_equal(s.rows(data, "validation").x[:, 0], s.validation)
    assert np.array_equal(s.rows(data, "test").x[:, 0], s.test + offset)


def test_a_part_that_is_everything_is_not_copied():
    data = dataset(10, test=4)
    assert split(data, seed=0, validation="test").rows(data, "train") is data.train


def test_rows_beyond_the_data():
    s = split(dataset(40), seed=0)
    with pytest.raises(DataError, match=r"rows go up to row .*, 'toy' has 5 there: give the data"):
        s.rows(dataset(5), "train")


@pytest.mark.parametrize(("rows", "test"), [(1, 0), (2, 0), (1, 3)])
def test_too_few_rows(rows, test):
    with pytest.raises(DataError, match="'toy' has too few rows to train, validate and test on"):
        split(dataset(rows, test=test), seed=0)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"seed": -1}, "seed -1: a whole number, 0 or more"),
        ({"seed": 0.5}, "seed 0.5"),
        ({"validation": 0.0}, "validation 0.0: a fraction between 0 and 1, or 'test'"),
        ({"validation": 1.0}, "validation 1.0"),
        ({"validation": 1}, "validation 1:"),
        ({"validation": "tset"}, "validation 'tset'"),
        ({"validation": float("nan")}, "validation nan"),
        ({"train_size": 0}, "limit 0: a whole number, 1 or more"),
        ({"train_size": 2.5}, "limit 2.5"),
    ],
)
def test_requests_that_cannot_be(request_, message):
    with pytest.raises(ConfigError, match=message):
        split(dataset(20, test=5), **({"seed": 0} | request_))


@pytest.mark.parametrize("validation", [0.2, "test"])
def test_saved_and_loaded(validation):
    data = dataset(30, test=6)
    s = split(data, seed=0, validation=validation)
    file = io.BytesIO()
    s.save(file)
    back = Split.load(io.BytesIO(file.getvalue()))
    assert all(np.array_equal(a, b) for a, b in zip(parts_of(s), parts_of(back), strict=True))
    assert back.validates_on_test == s.validates_on_test


GOOD = {
    "train": np.arange(3),
    "validation": np.array([5]),
    "test": np.array([6]),
    "validates_on_test": np.array(False),
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": np.array([[1]])}, "train rows must be distinct rows in ascending order"),
        ({"train": np.array([1.0])}, "train rows must be"),
        ({"train": np.array([2, 1])}, "train rows must be"),
        ({"train": np.array([1, 1])}, "train rows must be"),
        ({"test": np.array([-1])}, "test rows must be"),
        ({"test": np.array([5, np.iinfo(np.int64).min])}, "test rows must be"),
        ({"test": np.zeros(0, np.int64)}, "test rows must be"),
        ({"validation": np.array([2, 7])}, "rows that both train and validate"),
        ({"extra": np.arange(2)}, "must hold train, validation, test and validates_on_test"),
        ({"validates_on_test": np.array([0, 1])}, "must hold"),
        ({"train": np.array([{}], dtype=object)}, "never unpickled"),
    ],
)
def test_hostile_split(changes, message):
    file = io.BytesIO()
    np.savez(file, **(GOOD | changes))
    with pytest.raises(DataError, match=message):
        Split.load(io.BytesIO(file.getvalue()))


def test_what_is_no_split_at_all():
    with pytest.raises(DataError, match="'the split' cannot be read: File is not a zip file"):
        Split.load(io.BytesIO(b"not a zip"))
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(DataError, match="must hold"):
        Split.load(io.BytesIO(empty.getvalue()))
