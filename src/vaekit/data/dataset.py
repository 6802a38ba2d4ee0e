"""Rows, and a dataset: rows to train on, rows to test on, and what is declared about them."""

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vaekit import html
from vaekit.data.file_reading import blocks
from vaekit.data.support import Support
from vaekit.data.thumbnails import thumbnails
from vaekit.errors import DataError

if TYPE_CHECKING:
    from vaekit.data.readers.shards import Shards


@dataclass(frozen=True, eq=False)
class Examples:
    """Raw rows x [N, *shape] as they came (uint8 stays uint8, a memory map stays one), and labels y [N] or None.

    Within a `Dataset`, y holds class numbers 0..classes-1 as int64.
    """

    x: np.ndarray
    y: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"Rows({len(self):,} of {'x'.join(map(str, self.x.shape[1:]))}{'' if self.y is None else ', labelled'})"

    def select(self, indices: np.ndarray) -> "Examples":
        """The rows at `indices`, copied."""
        return Examples(self.x[indices], None if self.y is None else self.y[indices])


def evenly_spaced_indices(count: int, most: int) -> np.ndarray:
    """At most so many of the indices 0..count - 1, spread evenly: of rows with one class behind the other some of each.

    >>> evenly(100, 4), evenly(3, 4)
    (array([ 0, 33, 66, 99]), array([0, 1, 2]))
    """
    return np.linspace(0, count - 1, min(count, most)).astype(int)


class Gray(NamedTuple):
    """Gray values x [N, *shape], 0 to `top`, that binary ones are drawn from."""

    x: np.ndarray
    top: int


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to train on, rows to test on where there are any, their support and the names of their classes.

    Rows are vectors [N, D] or images, channels first [N, C, H, W]. Building one checks it whole (in bounded memory)
    and raises `DataError` where shapes, labels or values do not agree with what is declared.

    stream: shards to train on; the training rows are then some that were set aside, to validate and to test on.
    gray: of binary data, what the training rows are drawn from anew each time that they are trained on.

    >>> data = Dataset("two", Rows(np.zeros((2, 3))), None, Support("unit"))
    >>> data.shape, data.labelled
    ((3,), False)
    >>> data
    Dataset('two', 2 rows of 3, unit)
    """

    name: str
    train: Examples
    test: Examples | None
    support: Support
    classes: tuple[str, ...] = ()
    stream: "Shards | None" = None
    gray: Gray | None = None

    def __repr__(self) -> str:
        rows = " + ".join(f"{len(part):,}" for part in (self.train, self.test) if part is not None)
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return f"Dataset({self.name!r}, {rows} rows of {'x'.join(map(str, self.shape))}, {self.support}{classes})"

    def __post_init__(self):
        if not re.fullmatch(r"\w[\w.-]{0,63}", self.name):
            raise DataError(
                f"dataset name {self.name!r}: allowed are up to 64 letters, digits, '.', '_' and '-'"
            )
        _check_classes(self.classes, self.name)
        which = "" if self.test is None else " (training rows)"
        _check_rows(self.train, self.support, self.classes, f"{self.name!r}{which}")
        if self.test is not None:
            _check_rows(self.test, self.support, self.classes, f"{self.name!r} (test rows)")
            _check_parts(self.name, self.train, self.test)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row: (D,) or (C, H, W)."""
        return self.train.x.shape[1:]

    @property
    def labelled(self) -> bool:
        """Whether every row has a class."""
        return self.train.y is not None

    def _repr_html_(self) -> str:
        """What a notebook shows: rows, shape, support, classes with their counts, some of the training rows."""
        of = "training" if self.stream is None else "set aside, of shards"
        rows = f"{len(self.train):,} {of}" + (
            "" if self.test is None else f", {len(self.test):,} test"
        )
        facts = {
            "rows": rows,
            "shape": self.shape,
            "support": f"{self.support}, as {self.train.x.dtype}",
        }
        if self.train.y is not None:
            counts = np.bincount(self.train.y, minlength=len(self.classes))
            named = [
                f"{html.shorten(name, 40)}\N{NO-BREAK SPACE}({count:,})"
                for name, count in zip(self.classes, counts, strict=True)
            ]
            facts[f"{len(self.classes):,} classes"] = html.join_names(named)
        sheet = thumbnails(self.train.x, self.support)
        shown = (
            ""
            if sheet is None
            else html.note("Training rows, spread evenly:") + html.image(sheet, "training rows")
        )
        return html.card(f"Dataset {self.name}", html.facts(facts), shown)

    def fingerprint(self) -> str:
        """The sha256 of shapes, dtypes and bytes of rows and labels in memory, and of the names of shards, in hexadecimal."""
        digest = hashlib.sha256()
        for part, rows in (("train", self.train), ("test", self.test)):
            for field in "xy":
                array = getattr(rows, field, None)
                if array is not None:
                    digest.update(f"{part}.{field} {array.dtype.str} {array.shape}\n".encode())
                    for _, block in blocks(array):
                        digest.update(np.ascontiguousarray(block).data)
        if self.stream is not None:
            digest.update(self.stream.fingerprint().encode())
        return digest.hexdigest()


def check_compatible(
    rows: Examples | np.ndarray, shape: tuple[int, ...], support: Support, where: str
) -> None:
    """Raise `DataError` unless raw rows suit a model trained on rows of this `shape` and `support`."""
    x = rows.x if isinstance(rows, Examples) else rows
    check_numeric(x, where)
    if x.shape[1:] != tuple(shape):
        raise DataError(
            f"{where} has rows of shape {x.shape[1:]}, the model takes {tuple(shape)}: {_remedy(x, shape)}"
        )
    support.check(x, where)


def check_numeric(x: np.ndarray, where: str) -> None:
    """Raise `DataError` unless `x` holds at least one row of numbers of a type that a model can take."""
    if x.dtype.kind not in "biuf" or x.dtype.itemsize > 8:
        raise DataError(
            f"{where} has values of type {x.dtype}: allowed are bool, integers and floats of up to 64 bits"
        )
    if not x.dtype.isnative:
        raise DataError(
            f"{where} has the byte order of another machine: convert it with x.astype(x.dtype.type)"
        )
    if x.ndim == 0:
        raise DataError(f"{where} is a single number: rows are needed, [N, D] or images")
    if x.size == 0:
        raise DataError(
            f"{where} is empty, its shape is {x.shape}: at least one row with one value is needed"
        )


def _remedy(x: np.ndarray, shape: tuple[int, ...]) -> str:
    if x.ndim == 4 and len(shape) == 3 and x.shape[1] == shape[0]:
        return f"resize the images to height {shape[1]} and width {shape[2]} first"
    return "give rows of that shape, or train a model on rows like these"


def _check_classes(classes: tuple[str, ...], name: str) -> None:
    odd = [c for c in classes if not (isinstance(c, str) and c and c.isprintable())]
    if odd:
        raise DataError(
            f"{name!r} has a class named {odd[0]!a}: class names are printable and not empty"
        )
    if len(set(classes)) < len(classes):
        raise DataError(f"{name!r} has two classes of one name: class names must differ")


def _check_rows(rows: Examples, support: Support, classes: tuple[str, ...], where: str) -> None:
    check_numeric(rows.x, where)
    if rows.x.ndim not in (2, 4):
        raise DataError(
            f"{where} has the shape {rows.x.shape}: allowed are [N, D] and channels first [N, C, H, W]"
        )
    if rows.y is not None:
        _check_labels(rows.y, len(rows), len(classes), where)
    elif classes:
        raise DataError(
            f"{where} has no labels, but the classes are named: give labels to every part or to none"
        )
    support.check(rows.x, where)


def _check_labels(y: np.ndarray, rows: int, classes: int, where: str) -> None:
    if y.dtype != np.int64 or y.shape != (rows,):
        raise DataError(
            f"{where} has labels of type {y.dtype} and shape {y.shape}: needed are int64 and ({rows},)"
        )
    if not classes:
        raise DataError(
            f"{where} has labels, but the classes have no names: name them, or leave the labels out"
        )
    if y.min() < 0 or y.max() >= classes:
        raise DataError(
            f"{where} has labels from {y.min()} to {y.max()}: with {classes} class names, 0..{classes - 1}"
        )


def _check_parts(name: str, train: Examples, test: Examples) -> None:
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError(
            f"{name!r} has training rows of shape {train.x.shape[1:]} and test rows of shape {test.x.shape[1:]}: "
            "both must have the same"
        )
