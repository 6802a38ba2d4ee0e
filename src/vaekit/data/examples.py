"""Examples: raw values with labels; and the selection of evenly spaced ones."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Examples:
    """Raw examples and, if they are labeled, their labels.

    Values keep the type that they were read with: bytes stay bytes, a memory map stays on disk.

    Args:
        x: Raw values [N, *shape].
        y: Labels [N]; class indices (int64) within a `Dataset`. None without labels.
        files: Names [N] of the files that they are from, relative to the data folder, as objects;
            None if they are not from image files.
        groups: Numbers of groups [N]; examples of one group stay in one split. None without.

    >>> import numpy as np
    >>> examples = Examples(np.zeros((3, 2)), np.array([0, 1, 0]))
    >>> examples
    Examples(3 of shape 2, labeled)
    >>> examples.select(np.array([2, 1])).y
    array([0, 1])
    """

    x: np.ndarray
    y: np.ndarray | None = None
    files: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        labeled = "" if self.y is None else ", labeled"
        return f"Examples({len(self):,} of shape {shape_text(self.x.shape[1:])}{labeled})"

    def select(self, indices: np.ndarray) -> Self:
        """Copy the examples at these indices.

        Args:
            indices: Integers [M].

        Returns:
            The M examples with their labels.
        """
        return type(self)(
            self.x[indices],
            *(
                None if each is None else each[indices]
                for each in (self.y, self.files, self.groups)
            ),
        )


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape for people to read.

    >>> shape_text((1, 28, 28))
    '1x28x28'
    """
    return "x".join(map(str, shape))


def evenly_spaced_indices(count: int, max_indices: int) -> np.ndarray:
    """Indices spread evenly over a range, so that data sorted by class give some of each class.

    Args:
        count: The indices are 0 to count - 1.
        max_indices: How many to choose; all if the range has no more.

    Returns:
        Ascending indices [min(count, max_indices)].

    >>> evenly_spaced_indices(100, 4), evenly_spaced_indices(3, 4)
    (array([ 0, 33, 66, 99]), array([0, 1, 2]))
    """
    return np.linspace(0, count - 1, min(count, max_indices)).astype(int)
