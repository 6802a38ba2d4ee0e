"""Selected examples with their labels, latent codes and reconstructions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vaekit.data import Examples, evenly_spaced_indices
from vaekit.errors import ConfigError, DataError
from vaekit.inference.encode_decode import LatentCodes
from vaekit.runs.run import Run

DEFAULT_COUNT = 10


class Reconstruction(NamedTuple):
    """Selected examples and what the model makes of them.

    Attributes:
        indices: Which examples they are [N].
        originals: Raw examples [N, *shape].
        labels: Class numbers [N], if there are labels.
        codes: Their latent codes.
        decoded: Reconstructions in raw units [N, *shape].
        files: Names of their files [N], if they are from image files.
    """

    indices: np.ndarray
    originals: np.ndarray
    labels: np.ndarray | None
    codes: LatentCodes
    decoded: np.ndarray
    files: np.ndarray | None = None


def reconstruct_examples(
    run: Run, examples: Examples, indices: Sequence[int] | np.ndarray | None = None
) -> Reconstruction:
    """Reconstruct the examples at these indices, by default ten spread evenly."""
    chosen = check_indices(indices, len(examples))
    selected = examples.select(chosen)
    codes = run.encode(selected)
    labels = None
    if run.model.classes and selected.y is not None:
        labels = [run.classes[number] for number in selected.y]
    decoded = run.decode(codes.mean, labels)
    return Reconstruction(chosen, selected.x, selected.y, codes, decoded, selected.files)


def select_indices(
    run: Run, examples: Examples, indices: Sequence[int] | None, label: str | None
) -> np.ndarray:
    """The indices of the selected examples, among all or in one class."""
    candidates = np.arange(len(examples))
    if label is not None:
        candidates = _indices_of_class(run, examples, label)
    return candidates[check_indices(indices, len(candidates))]


def check_indices(indices: Sequence[int] | np.ndarray | None, count: int) -> np.ndarray:
    """Indices as an array, by default ten spread evenly; ConfigError for one out of range."""
    if indices is None:
        return evenly_spaced_indices(count, DEFAULT_COUNT)
    wrong = [i for i in indices if not 0 <= i < count]
    if wrong or not len(indices):
        got = wrong[0] if wrong else "none"
        raise ConfigError.for_value(
            "indices", got, f"0 to {count - 1}", problem="index out of range"
        )
    return np.asarray(indices)


def _indices_of_class(run: Run, examples: Examples, label: str) -> np.ndarray:
    classes = run.config.data.classes
    if examples.y is None:
        raise DataError(
            "the examples have no labels to choose a class from. Choose examples by index.",
            parameter="label",
        )
    if label not in classes:
        raise ConfigError.unknown("class", label, classes, parameter="label")
    return np.flatnonzero(examples.y == classes.index(label))
