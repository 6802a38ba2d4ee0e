"""What a reader found, before labels are numbered and the support is settled."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaekit.data.dataset import Dataset, Examples, check_numeric
from vaekit.data.file_reading import data_errors
from vaekit.data.support import Support
from vaekit.errors import DataError

if TYPE_CHECKING:
    from vaekit.data.readers.shards import Shards

CHANNELS = (1, 3, 4)


@dataclass(frozen=True, eq=False)
class RawDataset:
    """Rows with their channels first, and labels of any accepted type; `classes` come first in the numbering.

    stream: where the rows to train on are, if `train` are only some that were set aside.
    """

    name: str
    train: Examples
    test: Examples | None = None
    support: Support | None = None
    classes: tuple[str, ...] = ()
    stream: "Shards | None" = None

    def build(self) -> Dataset:
        """The dataset: labels numbered, the training part first so that its numbers do not depend on the test part."""
        which = "" if self.test is None else " (training rows)"
        train, classes = label_indices(self.train, self.classes, f"{self.name!r}{which}")
        test = None
        if self.test is not None:
            test, classes = label_indices(self.test, classes, f"{self.name!r} (test rows)")
            if (train.y is None) != (test.y is None):
                raise DataError(
                    f"{self.name!r} has labels for one part only: label the test rows too, or no rows"
                )
        return Dataset(
            self.name, train, test, self.support or Support.of(train.x), classes, self.stream
        )


def dataset_name(text: str) -> str:
    """`text` as a dataset name: what is no letter, digit, dot, hyphen or underscore becomes a hyphen.

    >>> safe_name("my photos (2)")
    'my-photos-2'
    """
    return re.sub(r"[^\w.-]+", "-", text).strip(".-")[:64] or "data"


def channels_first(x: np.ndarray, where: str) -> np.ndarray:
    """Rows as [N, D] or [N, C, H, W], a view of `x` wherever possible.

    [N, D] stays; [N, H, W] is gray. Of [N, H, W, C] and [N, C, H, W], C is the end that is 1, 3 or 4; where both ends
    are, the one that leaves square images; where that does not tell either, the last.
    """
    if not x.dtype.isnative:
        x = x.astype(x.dtype.newbyteorder("="))
    check_numeric(x, where)
    if x.ndim == 2:
        return x
    if x.ndim == 3:
        return x[:, None]
    if x.ndim != 4 or not {x.shape[1], x.shape[3]} & set(CHANNELS):
        raise DataError(
            f"{where} has the shape {x.shape}: allowed are vectors [N, D], gray images [N, H, W], and images "
            "[N, H, W, C] or [N, C, H, W] with 1, 3 or 4 channels"
        )
    return x if _first_is_channels(*x.shape[1:]) else x.transpose(0, 3, 1, 2)


def _first_is_channels(first: int, middle: int, last: int) -> bool:
    if first in CHANNELS and last in CHANNELS:
        return middle == last and first != middle
    return first in CHANNELS


def label_indices(
    rows: Examples, classes: tuple[str, ...], where: str
) -> tuple[Examples, tuple[str, ...]]:
    """Rows with class numbers in place of their labels, and the class names: the given ones, then new ones, sorted."""
    if rows.y is None:
        return rows, classes
    labels = _labels(rows.y, len(rows), where)
    values, place = np.unique(labels, return_inverse=True)
    with data_errors(where):  # text in a damaged file need not be text
        names = [str(value) for value in values.tolist()]
    known = set(classes)
    classes += tuple(name for name in names if name not in known)
    number = {name: i for i, name in enumerate(classes)}
    return Examples(rows.x, np.array([number[name] for name in names], np.int64)[place]), classes


def _labels(y: np.ndarray, rows: int, where: str) -> np.ndarray:
    if y.shape != (rows,):
        raise DataError(
            f"{where} has labels of shape {y.shape} for {rows} rows: one label a row is needed"
        )
    if y.dtype.kind == "O" and all(isinstance(label, str) for label in y):
        return y.astype(str)
    if (
        y.dtype.kind == "f"
        and np.isfinite(y).all()
        and (y == np.floor(y)).all()
        and np.abs(y).max() < 2**53
    ):
        return y.astype(np.int64)
    if y.dtype.kind not in "biuU":
        odd = "that are not whole numbers" if y.dtype.kind == "f" else f"of type {y.dtype}"
        raise DataError(f"{where} has labels {odd}: allowed are whole numbers and text")
    return y
