"""Examples that occur more than once."""

from typing import NamedTuple

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.file_reading import blocks
from vaekit.data.splits import Split

MAX_SEARCHED_BYTES = 2**31
"""The size of the data up to which they are searched for duplicates."""


class Duplicates(NamedTuple):
    """Numbers of examples whose values equal a training example exactly.

    Attributes:
        validation: Among the examples that validate.
        test: Among the examples that test.
    """

    validation: int
    test: int

    def __str__(self) -> str:
        counts = {"validation": self.validation, "test": self.test}
        return " and ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def count_duplicates(dataset: Dataset, split: Split) -> Duplicates | None:
    """Count the held-out examples that are training examples as well.

    Args:
        dataset: The dataset.
        split: Its split.

    Returns:
        The numbers; None for streamed data and for more than 2 GiB, which are not searched.

    >>> from vaekit.data import load
    >>> dataset = load(np.array([[0.0], [1.0], [2.0], [3.0]]), test=np.array([[2.0]]))
    >>> indices = np.array([0, 1, 2])
    >>> count_duplicates(dataset, Split(indices, np.array([3]), np.array([0])))
    Duplicates(validation=0, test=1)
    """
    if not is_searchable(dataset):
        return None
    train = example_hashes(dataset.train.x)
    test = train if dataset.test is None else example_hashes(dataset.test.x)
    trained = train[split.train]
    validation = test if split.validates_on_test else train
    return Duplicates(
        int(np.isin(validation[split.validation], trained).sum()),
        int(np.isin(test[split.test], trained).sum()),
    )


def count_repeated(dataset: Dataset) -> int | None:
    """Count the examples of all parts that are equal to an earlier one; None if not searched."""
    if not is_searchable(dataset):
        return None
    parts = [part.x for part in (dataset.train, dataset.test) if part is not None]
    hashes = np.concatenate([example_hashes(x) for x in parts])
    return len(hashes) - len(np.unique(hashes))


def is_searchable(dataset: Dataset) -> bool:
    """Whether all examples are in memory or a file, and not too large."""
    parts = (part for part in (dataset.train, dataset.test) if part is not None)
    return dataset.stream is None and sum(part.x.nbytes for part in parts) <= MAX_SEARCHED_BYTES


def example_hashes(x: np.ndarray) -> np.ndarray:
    """A hash of the bytes of each example [N], comparable within one process."""
    hashes = np.empty(len(x), np.int64)
    for start, block in blocks(x):
        rows = np.ascontiguousarray(block).reshape(len(block), -1)
        values = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
        hashes[start : start + len(rows)] = [hash(value) for value in values.tolist()]
    return hashes
