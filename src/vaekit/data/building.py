"""Build a dataset from what a reader has read: channels first, labels as class indices, support."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.data.bounds import check_data_bytes
from vaekit.data.checks import as_array, check_numeric
from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import blocks, data_errors
from vaekit.data.skipped import Skipped
from vaekit.data.support import Support
from vaekit.errors import DataError

if TYPE_CHECKING:
    from vaekit.data.readers.shards import Shards

CHANNELS = (1, 3, 4)
DEEP_LEVELS = 2**16
DARK_FACTOR = 8
"""Levels over the levels in use, from which a note says so."""
MAX_EXACT_FLOAT = 2**53
"""Below it, every whole number is a float."""


def build_dataset(
    name: str,
    train: Examples,
    test: Examples | None = None,
    support: Support | None = None,
    classes: tuple[str, ...] = (),
    stream: "Shards | None" = None,
    validation: np.ndarray | None = None,
    notes: tuple[str, ...] = (),
    skipped: tuple[Skipped, ...] = (),
) -> Dataset:
    """Build a dataset of examples whose labels are not class indices yet.

    Args:
        name: Its name; characters that names do not allow are replaced.
        train: Training examples, channels first, with labels that are text or whole numbers.
        test: Test examples; None without.
        support: Their support; default `Support.of` the training examples.
        classes: The first class names. Other labels follow in ascending order, first from the
            training examples, so that their indices do not depend on the test examples.
        stream: Shards that training examples are streamed from.
        validation: Indices of the training examples that validate; None if they are drawn.
        notes: What is worth saying about the data.
        skipped: The files that were skipped.

    Returns:
        The dataset, checked.

    Raises:
        DataError: Types, shapes, labels or values do not agree.

    >>> examples = Examples(np.zeros((3, 2)), np.array(["dog", "cat", "dog"]))
    >>> dataset = build_dataset("pets", examples)
    >>> dataset.classes, dataset.train.y
    (('cat', 'dog'), array([1, 0, 1]))
    """
    name = dataset_name(name)
    part = "" if test is None else " (training examples)"
    train, classes = index_labels(train, classes, f"{name!r}{part}")
    if test is not None:
        test, classes = index_labels(test, classes, f"{name!r} (test examples)")
        if (train.y is None) != (test.y is None):
            raise DataError(
                f"{name!r} has labels in one part only. Label all examples, or none.",
                parameter="test",
            )
    if support is None:
        support = Support.of(train.x)
        notes += _about_levels(train.x, support)
    return Dataset(
        name,
        train,
        test,
        support,
        classes,
        stream,
        validation=validation,
        notes=notes,
        skipped=skipped,
    )


def _about_levels(x: np.ndarray, support: Support) -> tuple[str, ...]:
    """A note if few levels of 16 bits are used, which metrics such as PSNR relate to."""
    if support.levels != DEEP_LEVELS:
        return ()
    largest = max(int(block.max()) for _, block in blocks(x))
    needed = 2 ** max(1, largest.bit_length())
    if needed > support.levels // DARK_FACTOR:
        return ()
    return (
        f"the largest value is {largest:,} of {support.levels - 1:,}, the range of PSNR and SSIM. "
        f"Declare the support integers:{needed} if that is the range of the values.",
    )


def dataset_name(text: str) -> str:
    """Text as a dataset name: runs of characters that names do not allow become a hyphen.

    >>> dataset_name("my photos (2)")
    'my-photos-2'
    """
    return re.sub(r"[^\w.-]+", "-", text).strip(".-")[:64] or "data"


def raw_examples(x: Any, y: Any, name: str) -> Examples:
    """Examples from anything that NumPy takes as arrays; a memory map stays one."""
    with data_errors(name):
        x = channels_first(as_array(x, repr(name)), repr(name))
        return Examples(x, None if y is None else as_array(y, f"{name!r}, labels"))


def channels_first(x: np.ndarray, name: str) -> np.ndarray:
    """Examples as [N, D] or [N, C, H, W], a view of `x` if possible.

    [N, H, W] is gray. Of [N, H, W, C] and [N, C, H, W], C is the end that is 1, 3 or 4; if both
    ends are, the one that leaves square images; if both or neither do, the last.

    Args:
        x: Examples of any of these shapes.
        name: What messages call them.

    Raises:
        DataError: Another shape, or a type that is not numeric.
    """
    if not x.dtype.isnative:
        check_data_bytes(x.nbytes, name)
        x = x.astype(x.dtype.newbyteorder("="))
    check_numeric(x, name)
    if x.ndim == 2:
        return x
    if x.ndim == 3:
        return x[:, None]
    if x.ndim != 4 or not {x.shape[1], x.shape[3]} & set(CHANNELS):
        raise DataError(
            f"{name} has the wrong shape: got {x.shape}, expected vectors [N, D], gray images "
            "[N, H, W], or images [N, H, W, C] or [N, C, H, W] with 1, 3 or 4 channels."
        )
    return x if _has_channels_first(*x.shape[1:]) else x.transpose(0, 3, 1, 2)


def _has_channels_first(first: int, middle: int, last: int) -> bool:
    if first in CHANNELS and last in CHANNELS:
        return middle == last and first != middle
    return first in CHANNELS


def index_labels(
    examples: Examples, classes: tuple[str, ...], name: str
) -> tuple[Examples, tuple[str, ...]]:
    """Class indices in place of labels.

    Args:
        examples: Examples with labels that are text or whole numbers.
        classes: The first class names.
        name: What messages call the examples.

    Returns:
        The examples, and all class names: the first, then new ones in ascending order of labels.
    """
    if examples.y is None:
        return examples, classes
    labels = _checked_labels(examples.y, len(examples), name)
    values, positions = np.unique(labels, return_inverse=True)
    with data_errors(name):  # text of a damaged file may be no text
        names = [str(value) for value in values.tolist()]
    return _indexed(examples, names, positions, classes)


def without_test_classes(dataset: Dataset) -> tuple[str, ...]:
    """The class names of a dataset from `build_dataset`, except classes of test examples alone."""
    y = dataset.train.y
    return () if y is None else dataset.classes[: y.max() + 1]


def replace_test_examples(dataset: Dataset, test: Dataset, classes: tuple[str, ...]) -> Dataset:
    """A dataset with the training examples of another one as its test part.

    Args:
        dataset: The dataset; its class indices stay.
        test: A dataset whose classes have the same names, with any indices.
        classes: The class names of the training examples; new ones of the test examples follow.
    """
    held_out = test.train
    if dataset.labeled != test.labeled:
        raise DataError(
            f"only one of {dataset.name!r} and its test examples has labels. "
            "Label all examples, or none.",
            parameter="test",
        )
    if held_out.y is not None:
        used, positions = np.unique(held_out.y, return_inverse=True)
        names = [test.classes[index] for index in used]
        held_out, classes = _indexed(held_out, names, positions, classes)
    return replace(dataset, test=held_out, classes=classes, gray=None, gray_max=1)


def _indexed(
    examples: Examples, names: list[str], positions: np.ndarray, classes: tuple[str, ...]
) -> tuple[Examples, tuple[str, ...]]:
    """Examples labeled by positions in `names`, with indices among classes instead."""
    known = set(classes)
    classes += tuple(name for name in names if name not in known)
    indices = {name: index for index, name in enumerate(classes)}
    y = np.array([indices[name] for name in names], np.int64)[positions]
    return replace(examples, y=y), classes


def _checked_labels(y: np.ndarray, count: int, name: str) -> np.ndarray:
    """Labels as text or whole numbers."""
    if y.shape != (count,):
        raise DataError(
            f"{name} has the wrong number of labels: got the shape {y.shape}, "
            f"expected ({count},), one per example.",
            parameter="labels",
        )
    if y.dtype.kind == "O" and all(isinstance(label, str) for label in y):
        return y.astype(str)
    if y.dtype.kind == "f" and _are_whole_numbers(y):
        return y.astype(np.int64)
    if y.dtype.kind not in "biuU":
        got = "fractions" if y.dtype.kind == "f" else f"the type {y.dtype}"
        raise DataError(
            f"{name} has labels of the wrong type: got {got}, expected whole numbers or text.",
            parameter="labels",
        )
    return y


def _are_whole_numbers(y: np.ndarray) -> bool:
    if not np.isfinite(y).all():
        return False
    return bool((y == np.floor(y)).all() and np.abs(y).max() < MAX_EXACT_FLOAT)
