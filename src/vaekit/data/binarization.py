"""Gray pixels to zeros and ones."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vaekit.data.dataset import Dataset, Examples, Gray
from vaekit.data.file_reading import blocks
from vaekit.data.support import Support
from vaekit.errors import ConfigError, DataError, suggest

SEED = 0  # one for everybody, so that figures of different runs are about the same pixels


def binarize(dataset: Dataset, how: str | None) -> Dataset:
    """The dataset with binary values: "threshold" takes what is above one half, "fixed" draws once, p(1) = the gray value.

    "dynamic" judges on the same draw, and keeps the gray values of the training rows, to be drawn from each time that one is
    trained on (Burda et al., 2016). Binary data, and all where `how` is None, stay as they are.

    "fixed" is the static binarisation of the literature (Salakhutdinov & Murray, 2008), with a draw of our own.
    Raises ConfigError for another way and for shards, DataError for data that are not gray values.

    >>> data = Dataset("three", Rows(np.array([[0, 100, 255]], np.uint8)), None, Support("integers", 256))
    >>> binarized(data, "threshold").train.x
    array([[False, False,  True]])
    """
    if how is None or dataset.support.kind == "binary":
        return dataset
    if how not in BINARIZERS:
        raise ConfigError(f"binarize {how!r}: {suggest(how, BINARIZERS)}")
    if dataset.support.kind not in ("unit", "integers"):
        raise DataError(
            f"{dataset.name!r} is {dataset.support}: only gray values can be binarised, set data.binarize=null"
        )
    if dataset.stream is not None:
        raise ConfigError(
            "data.binarize is for rows in memory, shards are read as they are: write them binary"
        )
    top = max(1, dataset.support.levels - 1)
    rng = np.random.default_rng(SEED)

    def change(rows: Examples) -> Examples:
        x = np.empty(rows.x.shape, bool)
        for start, block in blocks(rows.x):
            x[start : start + len(block)] = BINARIZERS[how](block / top, rng)
        return replace(rows, x=x)

    train = change(dataset.train)
    test = None if dataset.test is None else change(dataset.test)
    gray = Gray(dataset.train.x, top) if how == "dynamic" else None
    return replace(dataset, train=train, test=test, support=Support("binary"), gray=gray)


BINARIZERS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "threshold": lambda gray, rng: gray > 0.5,
    "fixed": lambda gray, rng: rng.random(gray.shape) < gray,
    "dynamic": lambda gray, rng: rng.random(gray.shape) < gray,
}
