"""The contract of a part: it turns features into a distribution."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution


class DistributionModule(nn.Module):
    """A module that turns features into a distribution.

    Features [B, ...] give a `Distribution` of batch shape [B]; no features give one without a
    batch shape. Posteriors, priors and likelihoods are of this kind, and any module that keeps
    the contract can take their place.
    """

    def forward(self, features: Tensor | None = None) -> Distribution:
        """The distribution that the features describe."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")  # abstract


def full_precision(x: Tensor) -> Tensor:
    """`x` in float32 at least: parameters of distributions never stay in half precision."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
