"""Binarization: gray values to zeros and ones."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.examples import Examples
from vaekit.data.file_reading import blocks
from vaekit.data.support import Support
from vaekit.errors import ConfigError, DataError

SEED = 0
"""One seed for all runs, so that their metrics are about the same pixels."""

THRESHOLD = 0.5

Method = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Gray values from 0 to 1, and a source of noise, to booleans."""


def binarize(dataset: Dataset, method: str | None) -> Dataset:
    """Binarize a dataset of gray values.

    Args:
        dataset: Data with unit or integer support; binary data stay as they are.
        method: `threshold` is one above one half. `fixed` samples once, with the gray value as
            the probability of one: the static binarization of the literature, with samples of
            our own. `dynamic` evaluates on the samples of `fixed`, and samples the training
            examples anew each time that they are trained on. None changes nothing.

    Returns:
        The dataset with binary values; with `dynamic`, also with its gray values.

    Raises:
        ConfigError: The method is unknown, or the dataset is streamed.
        DataError: The data are not gray values.

    References:
        Salakhutdinov & Murray, 2008 (static); Burda et al., 2016 (dynamic).

    >>> examples = Examples(np.array([[0, 100, 255]], np.uint8))
    >>> dataset = Dataset("three", examples, None, Support("integers", 256))
    >>> binarize(dataset, "threshold").train.x
    array([[False, False,  True]])
    """
    if method is None or dataset.support.kind == "binary":
        return dataset
    _check_method(dataset, method)
    max_value = max(1, dataset.support.levels - 1)
    rng = np.random.default_rng(SEED)

    train = _binarize_examples(dataset.train, METHODS[method], max_value, rng)
    test = dataset.test
    if test is not None:
        test = _binarize_examples(test, METHODS[method], max_value, rng)
    binary = replace(dataset, train=train, test=test, support=Support("binary"), gray=None)
    if method != "dynamic":
        return binary
    return replace(binary, gray=dataset.train.x, gray_max=max_value)


def _check_method(dataset: Dataset, method: str) -> None:
    if method not in METHODS:
        raise ConfigError.unknown("binarization", method, METHODS, parameter="binarize")
    if dataset.support.kind not in ("unit", "integers"):
        raise DataError(
            f"{dataset.name!r} cannot be binarized: got the support {dataset.support}, "
            "expected gray values (unit or integers). Set data.binarize to null.",
            parameter="binarize",
        )
    if dataset.stream is not None:
        raise ConfigError(
            "streamed shards cannot be binarized, only examples in memory. "
            "Write binary values into the shards.",
            parameter="binarize",
        )


def _binarize_examples(
    examples: Examples, method: Method, max_value: int, rng: np.random.Generator
) -> Examples:
    x = np.empty(examples.x.shape, bool)
    for start, block in blocks(examples.x):
        x[start : start + len(block)] = method(block / max_value, rng)
    return replace(examples, x=x)


def _threshold(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return gray > THRESHOLD


def _sample(gray: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.random(gray.shape) < gray


METHODS: dict[str, Method] = {"threshold": _threshold, "fixed": _sample, "dynamic": _sample}
