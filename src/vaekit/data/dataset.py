"""A dataset: examples to train and test on, with their support and classes."""

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaekit import html
from vaekit.data.checks import check_numeric
from vaekit.data.examples import Examples, shape_text
from vaekit.data.file_reading import blocks
from vaekit.data.skipped import Skipped
from vaekit.data.support import Support
from vaekit.data.thumbnails import thumbnails
from vaekit.errors import DataError

if TYPE_CHECKING:
    from vaekit.data.readers.shards import Shards

MAX_CLASS_CHARACTERS = 40


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples to train on and, if the dataset has a test part, examples to test on.

    Examples are vectors [N, D], or images [N, C, H, W] with their channels first. Types, shapes,
    labels and values are checked on construction, in bounded memory.

    Args:
        name: Up to 64 letters, digits, dots, underscores and hyphens.
        train: Examples to train on, with class indices as labels or without labels. Of streamed
            data, the examples that validation and test use.
        test: Examples to test on; None if the dataset has no test part.
        support: The support of all examples.
        classes: Class names by index; empty without labels.
        stream: Shards that training examples are streamed from; None if they are in memory.
        gray: Gray values [N, *shape] of the training examples, if these are binarized anew each
            time that they are trained on.
        gray_max: The gray value that counts as one.
        validation: Ascending indices of the training examples that a validation split of the data
            consists of; None if validation examples are drawn.
        notes: Sentences about the data that whoever uses them should read.
        skipped: The files that a reader skipped, by reason.

    Raises:
        DataError: Types, shapes, labels or values do not agree.

    >>> import numpy as np
    >>> from vaekit.data import Dataset, Examples, Support
    >>> dataset = Dataset("two", Examples(np.zeros((2, 3))), None, Support("unit"))
    >>> dataset
    Dataset('two', 2 examples of shape 3, unit)
    >>> dataset.shape, dataset.labeled
    ((3,), False)
    """

    name: str
    train: Examples
    test: Examples | None
    support: Support
    classes: tuple[str, ...] = ()
    stream: "Shards | None" = None
    gray: np.ndarray | None = None
    gray_max: int = 1
    validation: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __post_init__(self):
        if not re.fullmatch(r"\w[\w.-]{0,63}", self.name):
            expected = "1 to 64 letters, digits, '.', '_' and '-', not '.' or '-' first"
            raise DataError.for_value("name", self.name, expected, problem="invalid dataset name")
        _check_classes(self.name, self.classes)
        part = "" if self.test is None else " (training examples)"
        self._check_examples(self.train, f"{self.name!r}{part}", "train")
        if self.test is not None:
            self._check_examples(self.test, f"{self.name!r} (test examples)", "test")
            _check_equal_shapes(self.name, self.train, self.test)

    def __repr__(self) -> str:
        parts = (part for part in (self.train, self.test) if part is not None)
        counts = " + ".join(f"{len(part):,}" for part in parts)
        classes = f", {len(self.classes)} classes" if self.classes else ""
        examples = f"{counts} examples of shape {shape_text(self.shape)}"
        return f"Dataset({self.name!r}, {examples}, {self.support}{classes})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: (D,) or (C, H, W)."""
        return self.train.x.shape[1:]

    @property
    def labeled(self) -> bool:
        """Whether every example has a class."""
        return self.train.y is not None

    @property
    def validation_count(self) -> int:
        """The number of training examples that the data's own validation split consists of."""
        return 0 if self.validation is None else len(self.validation)

    def fingerprint(self) -> str:
        """A checksum of the content, by which a run recognizes its dataset.

        Returns:
            The SHA-256 of shapes, types and bytes of examples and labels in memory, and of the
            names of shards, in hexadecimal.
        """
        digest = hashlib.sha256()
        for part, examples in (("train", self.train), ("test", self.test)):
            for field in "xy":
                array = getattr(examples, field, None)
                if array is None:
                    continue
                digest.update(f"{part}.{field} {array.dtype.str} {array.shape}\n".encode())
                for _, block in blocks(array):
                    digest.update(np.ascontiguousarray(block).data)
        if self.validation is not None:
            digest.update(f"validation {len(self.validation)}\n".encode())
            digest.update(self.validation.tobytes())
        if self.stream is not None:
            digest.update(self.stream.fingerprint().encode())
        return digest.hexdigest()

    def _check_examples(self, examples: Examples, name: str, parameter: str) -> None:
        x, y = examples.x, examples.y
        check_numeric(x, name, parameter=parameter)
        if x.ndim not in (2, 4):
            raise DataError(
                f"{name} has the wrong shape: got {x.shape}, expected vectors [N, D] or images "
                "[N, C, H, W].",
                parameter=parameter,
            )
        if y is not None:
            _check_class_indices(y, len(examples), len(self.classes), name, parameter)
        elif self.classes:
            raise DataError(
                f"{name} has class names but no labels. Label all examples, or none.",
                parameter=parameter,
            )
        self.support.check(x, name, parameter=parameter)

    def _repr_html_(self) -> str:
        """A card for a notebook: facts, and some of the training examples."""
        sheet = thumbnails(self.train.x, self.support)
        images = ""
        if sheet is not None:
            title = html.note("Training examples, evenly spaced:")
            images = title + html.image(sheet, "training examples")
        return html.card(f"Dataset {self.name}", html.facts(self._facts()), images)

    def _facts(self) -> dict[str, str]:
        part = "training" if self.stream is None else "held out of shards"
        counts = f"{len(self.train) - self.validation_count:,} {part}"
        if self.validation is not None:
            counts += f", {self.validation_count:,} validation"
        if self.test is not None:
            counts += f", {len(self.test):,} test"
        facts = {
            "examples": counts,
            "shape": str(self.shape),
            "support": f"{self.support}, as {self.train.x.dtype}",
        }
        if self.train.y is not None:
            facts[f"{len(self.classes):,} classes"] = self._class_counts(self.train.y)
        return facts

    def _class_counts(self, y: np.ndarray) -> str:
        """The first class names, each with its number of training examples."""
        counts = np.bincount(y, minlength=len(self.classes))
        return html.join_names(
            [
                f"{html.shorten(name, MAX_CLASS_CHARACTERS)}\N{NO-BREAK SPACE}({count:,})"
                for name, count in zip(self.classes, counts, strict=True)
            ]
        )


def _check_classes(name: str, classes: tuple[str, ...]) -> None:
    for each in classes:
        if not (isinstance(each, str) and each and each.isprintable()):
            raise DataError(
                f"invalid class name in {name!r}: got {each!a}, expected printable text.",
                parameter="classes",
            )
    if len(set(classes)) < len(classes):
        raise DataError(
            f"two classes of {name!r} have the same name. Choose different names.",
            parameter="classes",
        )


def _check_class_indices(
    y: np.ndarray, count: int, classes: int, name: str, parameter: str
) -> None:
    if y.dtype != np.int64 or y.shape != (count,):
        raise DataError(
            f"{name} has the wrong labels: got {y.dtype} of shape {y.shape}, "
            f"expected int64 of shape ({count},).",
            parameter=parameter,
        )
    if not classes:
        raise DataError(
            f"{name} has labels but no class names. Name the classes, or remove the labels.",
            parameter="classes",
        )
    if y.min() < 0 or y.max() >= classes:
        raise DataError(
            f"{name} has labels outside its classes: got {y.min()} to {y.max()}, "
            f"expected 0 to {classes - 1}.",
            parameter=parameter,
        )


def _check_equal_shapes(name: str, train: Examples, test: Examples) -> None:
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError(
            f"the test examples of {name!r} have another shape than the training examples: "
            f"got {test.x.shape[1:]}, expected {train.x.shape[1:]}.",
            parameter="test",
        )
