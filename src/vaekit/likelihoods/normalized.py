"""A likelihood of normalized data as one of data in their own units."""

from typing import Any

from torch import Tensor
from torch.distributions import Independent

from vaekit.core.normalization import Normalization, Rescaled
from vaekit.likelihoods.base import Likelihood
from vaekit.nets.blocks import Shape
from vaekit.nets.normalized import NormalizedEncoder


class NormalizedLikelihood(Likelihood):
    """p(x|z) = p(y|z) / scale with y = (x - shift) / scale, value by value.

    Args:
        likelihood: The likelihood of normalized data y, which accepts any real number.
        normalization: The map from x to y.

    >>> import torch
    >>> from vaekit.likelihoods import Gaussian
    >>> likelihood = NormalizedLikelihood(Gaussian((3,)), Normalization("standardize", (3,)))
    >>> likelihood(torch.zeros(2, 3)).mean.shape
    torch.Size([2, 3])
    """

    def __init__(self, likelihood: Likelihood, normalization: Normalization):
        super().__init__(likelihood.shape)
        self.likelihood = likelihood
        self.normalization = normalization
        self.accepts = likelihood.accepts  # pyright: ignore - of the class elsewhere

    @property
    def parameter_shape(self) -> Shape:
        """The shape of the decoder's output for one example."""
        return self.likelihood.parameter_shape

    def not_normalized(self, support: str) -> str | None:
        """The reason of the likelihood of normalized data."""
        return self.likelihood.not_normalized(support)

    def forward(self, features: Tensor) -> Independent:
        """p(x|z) of the decoder's output [B, *parameter_shape]."""
        base = self.likelihood(features).base_dist
        rescaled = Rescaled(base, self.normalization.shift, self.normalization.scale)
        return Independent(rescaled, len(self.shape), validate_args=False)


def without_normalization(part: Any) -> Any:
    """The encoder or likelihood of normalized data within a part; the part itself without."""
    if isinstance(part, NormalizedEncoder):
        return part.net
    return part.likelihood if isinstance(part, NormalizedLikelihood) else part
