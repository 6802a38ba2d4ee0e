"""The interface of likelihoods: accepted supports, parameters per value, and normalization."""

from typing import ClassVar

from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.core.distribution_module import DistributionModule, full_precision
from vaekit.nets.blocks import Shape


class Likelihood(DistributionModule):
    """p(x|z): the decoder's output [B, *parameter_shape] to a distribution over x [B, *shape].

    A family defines `per_value`, a function of its parameters, each [B, *shape] in float32 at
    least, that returns a distribution of that batch shape. A family with many parameters per value
    defines `distribution` instead, whose argument is all of them in one tensor.

    Args:
        shape: Shape of one example.

    >>> import torch
    >>> from torch.distributions import Laplace
    >>> class UnitLaplace(Likelihood):
    ...     accepts = ("real",)
    ...     def per_value(self, loc):
    ...         return Laplace(loc, torch.ones_like(loc))
    >>> UnitLaplace((4,))(torch.zeros(3, 4)).log_prob(torch.zeros(3, 4))  # -4 log 2
    tensor([-2.7726, -2.7726, -2.7726])
    """

    accepts: ClassVar[tuple[str, ...]]
    """Supports of the data: binary, unit, integers, real; integers k of L come as k / (L - 1)."""

    parameters_per_value: int = 1

    def __init__(self, shape: Shape, /):
        super().__init__()
        self.shape = tuple(shape)

    @property
    def parameter_shape(self) -> Shape:
        """The shape of the decoder's output for one example.

        It is the shape of the data with parameters-per-value times as many channels, or entries.
        """
        return (self.shape[0] * self.parameters_per_value, *self.shape[1:])

    def not_normalized(self, support: str) -> str | None:
        """The reason why log p(x|z) on data of this support is no log-density, or None if it is.

        Without a density there are no bits per dimension.
        """
        return None

    def init_from_data(self, x: Tensor) -> None:
        """Initialize from the spread of [N, *shape] around its mean; training calls this first.

        Args:
            x: Examples, or what the other parts leave of them unexplained.
        """

    def link(self, mean: Tensor) -> Tensor | None:
        """The first parameter of each value for which p(x|z) has a mean; None if unknown.

        Args:
            mean: Means of any shape, within the support.
        """
        return None

    def per_value(self, *parameters: Tensor) -> Distribution:
        """The distribution of each value from its parameters, each [B, *shape]."""
        raise NotImplementedError(f"{type(self).__name__} must define per_value")  # abstract

    def distribution(self, parameters: Tensor) -> Distribution:
        """The distribution of each value from parameters [B, parameters per value, *shape]."""
        axis = -1 - len(self.shape)
        if self.parameters_per_value == 1:
            # `squeeze` is a view; the gradient of `unbind` would be a copy.
            return self.per_value(parameters.squeeze(axis))
        return self.per_value(*parameters.unbind(axis))

    def forward(self, features: Tensor) -> Independent:
        """p(x|z) of the decoder's output [B, *parameter_shape]."""
        values = len(self.shape)
        parameters = full_precision(features).unflatten(-values, (self.parameters_per_value, -1))
        return Independent(self.distribution(parameters), values, validate_args=False)
