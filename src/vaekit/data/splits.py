"""Which rows train, which validate, which test: drawn by seed, kept with the run."""

from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np

from vaekit.data.dataset import Dataset, Examples
from vaekit.data.readers.npz import read_npz
from vaekit.errors import ConfigError, DataError

VALIDATION_ROWS = 5000
TEST_FRACTION = 0.1

SplitName = Literal["train", "validation", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Sorted indices of the three parts, each int64 [n].

    `test` counts the rows of the dataset's test part where it has one, else of its training part; so does
    `validation` where `validates_on_test`, and else it counts the training part.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    validates_on_test: bool = False

    def __post_init__(self):
        for part in ("train", "validation", "test"):
            _check_indices(getattr(self, part), part)
        if (
            not self.validates_on_test
            and np.intersect1d(self.train, self.validation, assume_unique=True).size
        ):
            raise DataError("the split has rows that both train and validate: draw it again")

    def examples(self, dataset: Dataset, part: SplitName) -> Examples:
        """The rows of one part, copied unless they are all there are; `DataError` where indices reach beyond."""
        rows, indices = self.where(dataset, part)
        return rows if len(indices) == len(rows) else rows.select(indices)

    def where(self, dataset: Dataset, part: SplitName) -> tuple[Examples, np.ndarray]:
        """The rows of the dataset that hold one part, uncopied, and the indices of the part among them."""
        indices = getattr(self, part)
        in_test = part == "test" or (part == "validation" and self.validates_on_test)
        rows = dataset.test if in_test and dataset.test is not None else dataset.train
        if indices[-1] >= len(rows):
            raise DataError(
                f"the split's {part} rows go up to row {indices[-1]}, {dataset.name!r} has {len(rows)} there: "
                "give the data that the split was drawn from"
            )
        return rows, indices

    def counts(self) -> dict[str, int]:
        """The number of examples of each part."""
        return {name: len(getattr(self, name)) for name in SPLIT_NAMES}

    def save(self, file: BinaryIO) -> None:
        """Write the split to an open binary file."""
        np.savez_compressed(
            file,
            train=self.train,
            validation=self.validation,
            test=self.test,
            validates_on_test=np.array(self.validates_on_test),
        )

    @classmethod
    def load(cls, file: BinaryIO) -> "Split":
        """Read what `save` wrote; `DataError` for anything else."""
        arrays = read_npz(file, getattr(file, "name", "the split"), limit_bytes=2**30)
        flag = arrays.pop("validates_on_test", np.zeros(0))
        if set(arrays) != {"train", "validation", "test"} or flag.shape != () or flag.dtype != bool:
            raise DataError(
                "the split must hold train, validation, test and validates_on_test: draw it again"
            )
        return cls(**arrays, validates_on_test=bool(flag))


def split(
    dataset: Dataset,
    *,
    seed: int,
    validation: float | Literal["test"] = 0.1,
    train_size: int | None = None,
) -> Split:
    """Draw the three parts of a dataset by `seed`.

    Validation rows are a fraction of the training rows, at least 1 and at most 5,000; where the dataset has no test
    part, 10 % of its rows are set aside for testing first. Both keep the proportions of the classes, where every
    class has two rows or more. With validation="test", the protocol of older papers, all training rows train and the
    test rows validate. `train_size` then draws that many of the training rows that remain.

    Raises `ConfigError` for a seed, fraction or train_size that cannot be, `DataError` where there are too few rows.

    >>> from vaekit.data import load
    >>> parts = split(load(np.zeros((10, 1))), seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (8, 1, 1)
    """
    _check_request(seed, validation, train_size)
    rng = np.random.default_rng(seed)
    y = dataset.train.y
    train = np.arange(len(dataset.train), dtype=np.int64)
    if dataset.test is not None:
        test = np.arange(len(dataset.test), dtype=np.int64)
    elif validation == "test":
        raise DataError(
            f"validation='test' needs a test part, {dataset.name!r} has none: give one (--test)"
        )
    else:
        train, test = _set_aside(train, y, round(TEST_FRACTION * len(train)), rng, dataset.name)
    if validation == "test":
        held = test
    else:
        count = min(VALIDATION_ROWS, round(validation * len(train)))
        train, held = _set_aside(train, y, count, rng, dataset.name)
    if train_size is not None:
        if train_size > len(train):
            raise ConfigError(
                f"train_size {train_size} is more than the {len(train)} training rows of {dataset.name!r}"
            )
        train = _draw(train, y, train_size, rng)
    return Split(train, held, test, validation == "test")


def _set_aside(pool, y, count, rng, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What remains of the pool, and what was drawn from it: at least one row each."""
    count = max(1, count)
    if count >= len(pool):
        raise DataError(
            f"{name!r} has too few rows to train, validate and test on: give more, or a smaller validation"
        )
    drawn = _draw(pool, y, count, rng)
    return np.setdiff1d(pool, drawn, assume_unique=True), drawn


def _draw(
    pool: np.ndarray, y: np.ndarray | None, count: int, rng: np.random.Generator
) -> np.ndarray:
    """`count` of the pool's rows, sorted; from each class in proportion, where every class has two rows or more."""
    strata = [pool]
    if y is not None:
        classes = [pool[y[pool] == c] for c in np.unique(y[pool])]
        strata = classes if min(map(len, classes)) >= 2 else strata
    quotas = _largest_remainder([len(rows) for rows in strata], count)
    drawn = [
        rng.choice(rows, quota, replace=False) for rows, quota in zip(strata, quotas, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def _largest_remainder(sizes: list[int], count: int) -> list[int]:
    """Whole numbers in proportion to `sizes` that sum to `count`."""
    total = sum(sizes)
    quotas = [count * size // total for size in sizes]
    by_remainder = sorted(range(len(sizes)), key=lambda i: -(count * sizes[i] % total))
    for i in by_remainder[: count - sum(quotas)]:
        quotas[i] += 1
    return quotas


def _check_request(seed: int, validation: float | str, train_size: int | None) -> None:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError(f"seed {seed!r}: a whole number, 0 or more")
    if validation != "test" and not (isinstance(validation, float) and 0 < validation < 1):
        raise ConfigError(
            f"validation {validation!r}: a fraction between 0 and 1, or 'test' to validate on test rows"
        )
    if train_size is not None and (not isinstance(train_size, int | np.integer) or train_size < 1):
        raise ConfigError(f"train_size {train_size!r}: a whole number, 1 or more")


def _check_indices(indices: np.ndarray, part: str) -> None:
    good = indices.dtype == np.int64 and indices.ndim == 1 and indices.size > 0
    if not good or indices[0] < 0 or (indices[1:] <= indices[:-1]).any():
        raise DataError(
            f"the split's {part} rows must be distinct rows in ascending order (int64, 1-D): draw it again"
        )
