"""The one idea: a part turns features into a distribution."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution


class DistributionModule(nn.Module):
    """A conditional distribution: features [B, ...] -> `Distribution` of batch shape [B]; no features -> no batch shape.

    Posterior, prior and likelihood are conditionals; a module of your own that keeps this contract is a part like ours.
    """

    def forward(self, features: Tensor | None = None) -> Distribution:
        raise NotImplementedError(f"{type(self).__name__} must define forward")  # abstract


def full_precision(x: Tensor) -> Tensor:
    """`x` in float32 at least: the parameters of a distribution never stay in bfloat16 or float16."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
