"""Principal components of data, and the shares of the variance that they explain."""

from typing import NamedTuple

import torch
from torch import Tensor

MAX_EXAMPLES = 2000
MAX_VALUES = 2**24
"""Values of the examples that components are computed from: 64 MB in float32."""
ROUNDING = 30
"""Smaller variances, in units of the last place of the largest one, are rounding errors."""


class PrincipalComponents(NamedTuple):
    """Mean, directions and variances of data with D values per example.

    Attributes:
        mean: Mean of the examples, [D].
        directions: Orthonormal rows in descending order of their variance, [R, D].
        variances: Variance of the data along each direction, [R].

    References:
        Tipping & Bishop, 1999, "Probabilistic principal component analysis".
    """

    mean: Tensor
    directions: Tensor
    variances: Tensor

    def explained(self, count: int) -> float:
        """The share of the variance that the first `count` components explain, 0 to 1."""
        total = self.variances.sum()
        return float(self.variances[:count].sum() / total) if total > 0 else 1.0

    def count_for(self, share: float) -> int:
        """The smallest number of components that explain a share of the variance, at least 1."""
        shares = self.variances.cumsum(0) / self.variances.sum().clamp(min=1e-30)
        return min(int((shares < share).sum()) + 1, len(self.variances))

    def first(self, count: int) -> "PrincipalComponents":
        """The first `count` components, or all if there are fewer."""
        return PrincipalComponents(self.mean, self.directions[:count], self.variances[:count])

    def residuals(self, x: Tensor) -> Tensor:
        """The part of examples [N, *shape] that mean and components do not explain."""
        centered = x.flatten(1) - self.mean
        return (centered - centered @ self.directions.T @ self.directions).view_as(x)


@torch.no_grad()
def principal_components(x: Tensor) -> PrincipalComponents:
    """The principal components of examples.

    Args:
        x: N examples [N, *shape].

    Returns:
        The R <= min(N, D) components with a variance above rounding. Of each direction the largest
        entry is positive, so that it does not depend on the library.

    >>> line = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    >>> principal_components(line).directions
    tensor([[0.7071, 0.7071]])
    """
    flat = x.flatten(1)
    mean = flat.mean(0)
    centered = flat - mean
    if len(flat) < flat.shape[1]:
        variances, left = torch.linalg.eigh(centered @ centered.T / len(flat))
        directions = left.T @ centered
    else:
        variances, right = torch.linalg.eigh(centered.T @ centered / len(flat))
        directions = right.T
    variances, directions = variances.flip(0), directions.flip(0)
    rounding = ROUNDING * torch.finfo(x.dtype).eps * variances[:1].clamp(min=0)
    kept = variances > rounding
    directions = torch.nn.functional.normalize(directions[kept], dim=1)
    largest = directions.abs().argmax(1, keepdim=True)
    return PrincipalComponents(
        mean, directions * directions.gather(1, largest).sign(), variances[kept]
    )


def max_component_examples(values: int) -> int:
    """The most examples that components of `values` values per example are computed from."""
    return max(2, min(MAX_EXAMPLES, MAX_VALUES // values))
