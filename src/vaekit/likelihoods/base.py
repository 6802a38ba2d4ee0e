"""What a likelihood declares: the supports it accepts, the parameters it needs per value, whether it is normalised."""

from typing import ClassVar

from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.core.distribution_module import DistributionModule, full_precision
from vaekit.nets.blocks import Shape


class Likelihood(DistributionModule):
    """p(x given z): the decoder's output [B, *parameter_shape] -> a distribution over x [B, *shape].

    A family defines `per_value`: its parameters, each [B, *shape] in float32 at least -> a distribution of that batch shape.
    One with many parameters per value defines `distribution` instead, which gets them in one piece.
    """

    accepts: ClassVar[tuple[str, ...]]
    """Supports that it is a likelihood of: binary, unit, integers, real; integers k of L levels come as k / (L - 1)."""

    parameters_per_value: int = 1

    def __init__(self, shape: Shape, /):
        super().__init__()
        self.shape = tuple(shape)

    @property
    def parameter_shape(self) -> Shape:
        """What the decoder must give per row: the data's shape with channels (or columns) x parameters per value."""
        return (self.shape[0] * self.parameters_per_value, *self.shape[1:])

    def not_normalised(self, support: str) -> str | None:
        """Why its value on data of this support is no log-density, and has no bits per dimension; or None."""
        return None

    def init_from_data(self, x: Tensor) -> None:
        """Be shown rows [N, *shape] before training: for what starts from their spread."""

    def per_value(self, *parameters: Tensor) -> Distribution:
        raise NotImplementedError(f"{type(self).__name__} must define per_value")  # abstract

    def distribution(self, parameters: Tensor) -> Distribution:
        """All parameters [B, parameters per value, *shape] -> a distribution of batch shape [B, *shape]."""
        axis = -1 - len(self.shape)
        if self.parameters_per_value == 1:
            return self.per_value(
                parameters.squeeze(axis)
            )  # a view; the gradient of unbind is a copy
        return self.per_value(*parameters.unbind(axis))

    def forward(self, features: Tensor) -> Independent:  # pyright: ignore[reportIncompatibleMethodOverride]
        values = len(self.shape)
        parameters = full_precision(features).unflatten(-values, (self.parameters_per_value, -1))
        return Independent(self.distribution(parameters), values, validate_args=False)
