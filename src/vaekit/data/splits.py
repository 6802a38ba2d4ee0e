"""Splits into training, validation and test examples, by a seed, saved with the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np

from vaekit.arguments import check_seed, whole_number
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.readers.npz import read_npz
from vaekit.errors import ConfigError, DataError

MAX_VALIDATION_EXAMPLES = 5000
TEST_FRACTION = 0.1
MAX_FILE_BYTES = 2**30

FLAG = "validates_on_test"

SplitName = Literal["train", "validation", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of the examples that train, validate and test, each ascending, int64 [n].

    Args:
        train: Indices within the training examples of a dataset.
        validation: Indices within its training examples; within its test examples if
            `validates_on_test`.
        test: Indices within its test examples; within its training examples if it has no test
            part.
        validates_on_test: Whether validation uses the test examples.

    Raises:
        DataError: Indices are empty, negative or not ascending, or train and validate at once.

    >>> import numpy as np
    >>> from vaekit.data import load, split
    >>> parts = split(load(np.zeros((100, 2))), seed=0)
    >>> parts.counts()
    {'train': 81, 'validation': 9, 'test': 10}
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    validates_on_test: bool = False

    def __post_init__(self):
        for name in SPLIT_NAMES:
            _check_indices(getattr(self, name), name)
        if self.validates_on_test:
            return
        if np.intersect1d(self.train, self.validation, assume_unique=True).size:
            raise DataError("examples of the split both train and validate. Draw it again.")

    def examples(self, dataset: Dataset, name: SplitName) -> Examples:
        """The examples of one part, copied unless the part is complete.

        Args:
            dataset: The dataset that the split was drawn from.
            name: train, validation or test.

        Returns:
            The examples, in ascending order of their indices.

        Raises:
            DataError: The dataset has too few examples.
        """
        examples, indices = self.where(dataset, name)
        return examples if len(indices) == len(examples) else examples.select(indices)

    def where(self, dataset: Dataset, name: SplitName) -> tuple[Examples, np.ndarray]:
        """The examples that contain one part, not copied, and the indices of the part.

        Args:
            dataset: The dataset that the split was drawn from.
            name: train, validation or test.

        Returns:
            The training or the test examples of the dataset, and indices within them.

        Raises:
            DataError: The dataset has too few examples.
        """
        indices = getattr(self, name)
        uses_test = name == "test" or (name == "validation" and self.validates_on_test)
        examples = dataset.test if uses_test and dataset.test is not None else dataset.train
        if indices[-1] >= len(examples):
            raise DataError(
                f"{dataset.name!r} has too few examples for the {name} part of the split: "
                f"got {len(examples)}, expected more than {indices[-1]}. "
                "Pass the data that the split was drawn from.",
                parameter="data",
            )
        return examples, indices

    def counts(self) -> dict[str, int]:
        """The number of examples of each part."""
        return {name: len(getattr(self, name)) for name in SPLIT_NAMES}

    def arrays(self) -> dict[str, np.ndarray]:
        """The split as arrays by name, as a file has them."""
        flag = np.array(self.validates_on_test)
        return {name: getattr(self, name) for name in SPLIT_NAMES} | {FLAG: flag}

    def save(self, file: BinaryIO) -> None:
        """Write the split to an open binary file (.npz)."""
        np.savez_compressed(file, **self.arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, file: BinaryIO) -> "Split":
        """Read a split that `save` wrote.

        Args:
            file: An open binary file.

        Returns:
            The split, checked.

        Raises:
            DataError: The file is damaged, or no split.
        """
        name = getattr(file, "name", "the split")
        arrays = read_npz(file, name, limit_bytes=MAX_FILE_BYTES)
        arrays.pop("run_id", None)  # of the run that the split was saved with
        return cls.from_arrays(arrays, name)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], name: object) -> "Split":
        """The split of what `arrays` returned; DataError, which says `name`, for anything else."""
        indices = {key: array for key, array in arrays.items() if key != FLAG}
        flag = arrays.get(FLAG, np.zeros(0))
        if set(indices) != set(SPLIT_NAMES) or flag.shape != () or flag.dtype != bool:
            raise DataError(
                f"{str(name)!r} is no split: expected the arrays train, validation, test and "
                f"{FLAG}. Draw it again."
            )
        return cls(**indices, validates_on_test=bool(flag))


def split(
    dataset: Dataset,
    *,
    seed: int,
    validation: float | Literal["test"] = 0.1,
    train_size: int | None = None,
) -> Split:
    """Draw the examples that train, validate and test.

    If the dataset has no test part, 10 % of its examples are held out for testing first. A
    validation split of the data validates as it is. Parts keep the proportions of the classes if
    each class has at least two examples. Examples of one group stay together, and the proportions
    are kept as well as the groups allow.

    Args:
        dataset: The dataset.
        seed: Seed of the draw.
        validation: The fraction of the training examples that validate, at least 1 and at most
            5,000 examples, without effect if the data have a validation split; or "test" to train
            on all training examples, including a validation split, and to validate on the
            test examples, the protocol of early papers.
        train_size: The number of training examples, drawn among those that remain; default all.

    Returns:
        The split.

    Raises:
        ConfigError: The seed, the fraction or the number is invalid.
        DataError: The dataset has too few examples, or no test part to validate on.

    >>> import numpy as np
    >>> from vaekit.data import load, split
    >>> split(load(np.zeros((10, 1))), seed=0).counts()
    {'train': 8, 'validation': 1, 'test': 1}
    """
    _check_request(seed, validation, train_size)
    rng = np.random.default_rng(seed)
    train, given = _training_pool(dataset, validation)
    if dataset.test is not None:
        test = np.arange(len(dataset.test), dtype=np.int64)
    elif validation == "test":
        raise DataError(
            f"{dataset.name!r} has no test part to validate on. "
            "Pass test examples as test, or set validation to a fraction.",
            parameter="validation",
        )
    else:
        train, test = _hold_out(dataset, train, round(TEST_FRACTION * len(train)), rng)

    if validation == "test":
        held_out = test
    elif given is not None:
        held_out = given
    else:
        count = min(MAX_VALIDATION_EXAMPLES, round(validation * len(train)))
        train, held_out = _hold_out(dataset, train, count, rng)
    if train_size is not None:
        _check_train_size(train_size, len(train), dataset.name)
        train = _draw(train, dataset.train.y, train_size, rng)
    return Split(train, held_out, test, validation == "test")


def _training_pool(
    dataset: Dataset, validation: float | str
) -> tuple[np.ndarray, np.ndarray | None]:
    """The training examples to draw from, and those that validate if the data say so."""
    pool = np.arange(len(dataset.train), dtype=np.int64)
    if dataset.validation is None or validation == "test":
        return pool, None
    return np.setdiff1d(pool, dataset.validation, assume_unique=True), dataset.validation


def _hold_out(
    dataset: Dataset, pool: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The rest of the pool and the indices held out of it, at least one of each."""
    count, name = max(1, count), dataset.name
    if len(pool) < 2:
        raise DataError(
            f"{name!r} has too few examples to train, validate and test. Use more data.",
            parameter="data",
        )
    if count >= len(pool):
        raise DataError(
            f"the validation split of {name!r} is too large: got {count} of {len(pool)} examples, "
            f"expected at most {len(pool) - 1}. Use a smaller data.validation.",
            parameter="data.validation",
        )
    if dataset.train.groups is None:
        drawn = _draw(pool, dataset.train.y, count, rng)
    else:
        drawn = _draw_groups(dataset, pool, count, rng)
    return np.setdiff1d(pool, drawn, assume_unique=True), drawn


def _draw(
    pool: np.ndarray, y: np.ndarray | None, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw ascending indices from a pool, in proportion to its classes if each has at least two."""
    strata = [pool]
    if y is not None:
        classes = [pool[y[pool] == index] for index in np.unique(y[pool])]
        if min(map(len, classes)) >= 2:
            strata = classes
    quotas = _proportional_quotas([len(stratum) for stratum in strata], count)
    drawn = [
        rng.choice(stratum, quota, replace=False)
        for stratum, quota in zip(strata, quotas, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def _draw_groups(
    dataset: Dataset, pool: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw the examples of whole groups, ascending indices from a pool.

    In random order, a group is drawn if the numbers of examples per class come closer to their
    share of `count` by it; at least one group is drawn, and one remains.
    """
    assert dataset.train.groups is not None
    _, group = np.unique(dataset.train.groups[pool], return_inverse=True)
    y = np.zeros(len(pool), np.int64) if dataset.train.y is None else dataset.train.y[pool]
    groups = int(group.max()) + 1
    if groups < 2:
        raise DataError(
            f"{dataset.name!r} has too few groups to train, validate and test. "
            "Use data of more groups, or leave out data.group.",
            parameter="data.group",
        )
    classes, label = np.unique(y, return_inverse=True)
    sizes = np.zeros((groups, len(classes)), np.int64)
    np.add.at(sizes, (group, label), 1)
    target = count * sizes.sum(0) / len(pool)
    chosen = _nearest_to_target(sizes, target, rng.permutation(groups))
    return pool[np.isin(group, chosen)]


def _nearest_to_target(sizes: np.ndarray, target: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Groups whose numbers of examples per class [G, C] together come close to a target [C]."""
    chosen: list[int] = []
    rest = target
    for group in order[:-1]:  # the last one remains
        closer = rest - sizes[group]
        if closer @ closer < rest @ rest:
            chosen.append(group)
            rest = closer
    if chosen:
        return np.array(chosen)
    distances = np.square(target - sizes[order]).sum(1)
    return order[[distances.argmin()]]


def _proportional_quotas(sizes: list[int], count: int) -> list[int]:
    """Whole numbers in proportion to `sizes` with the sum `count`, by the largest remainders."""
    total = sum(sizes)
    quotas = [count * size // total for size in sizes]
    by_remainder = sorted(range(len(sizes)), key=lambda i: -(count * sizes[i] % total))
    for i in by_remainder[: count - sum(quotas)]:
        quotas[i] += 1
    return quotas


def _check_request(seed: int, validation: float | str, train_size: int | None) -> None:
    check_seed(seed)
    is_fraction = isinstance(validation, float) and 0 < validation < 1
    if validation != "test" and not is_fraction:
        raise ConfigError.for_value(
            "validation", validation, "a fraction between 0 and 1, or 'test'"
        )
    if train_size is not None:
        whole_number("train_size", train_size, 1)


def _check_train_size(train_size: int, available: int, name: str) -> None:
    if train_size > available:
        raise ConfigError.for_value(
            "train_size",
            train_size,
            f"at most {available}",
            problem=f"more examples than the training part of {name!r} has",
        )


def _check_indices(indices: np.ndarray, name: str) -> None:
    is_index_array = indices.dtype == np.int64 and indices.ndim == 1 and indices.size > 0
    if not is_index_array or indices[0] < 0 or (indices[1:] <= indices[:-1]).any():
        raise DataError(
            f"the {name} part of the split has invalid indices, expected distinct ascending int64. "
            "Draw it again.",
            parameter=name,
        )
