"""p(x given z) = N(decoder output, sigma^2)."""

import math
from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn
from torch.distributions import Normal

from vaekit.core.distributions import soft_clamp
from vaekit.errors import ConfigError, suggest
from vaekit.likelihoods.base import Likelihood
from vaekit.nets.blocks import Shape


class Gaussian(Likelihood):
    """p(x given z) = N(mu, sigma^2) per value, mu the decoder's output.

    scale: a number fixes sigma; "shared" learns one for all values (Rybkin et al., 2021), from 1, or in `vaekit.train` from
        the spread of the training rows; "learned" lets the decoder give one per value (Kingma & Welling, 2014), with twice
        the outputs.
    min_scale: what a sigma that is learned stays above, smoothly, so that the density cannot run away on constant pixels;
        in the units that the model sees (images: 1 is white).

    >>> import torch
    >>> Gaussian((3,), scale=1.0)(torch.zeros(1, 3)).log_prob(torch.zeros(1, 3))  # -3/2 log(2 pi)
    tensor([-2.7568])
    """

    accepts = ("unit", "real")

    def __init__(
        self,
        shape: Shape,
        /,
        *,
        scale: PositiveFloat | Literal["shared", "learned"] = "shared",
        min_scale: PositiveFloat = 0.01,
    ):
        super().__init__(shape)
        if isinstance(scale, str) and scale not in ("shared", "learned"):
            raise ConfigError(
                f"scale {scale!r}: a number above 0, or {suggest(scale, ('shared', 'learned'))}"
            )
        self.scale, self.min_scale = scale, min_scale
        self.parameters_per_value = 2 if scale == "learned" else 1
        self.log_var = nn.Parameter(torch.zeros(())) if scale == "shared" else None

    @torch.no_grad()
    def init_from_data(self, x: Tensor) -> None:
        """Set the shared sigma to the deviation of the rows from their mean, which is where the decoder starts.

        From 1, images would spend many hundred updates on finding it, with codes that pay for nothing meanwhile. A sigma
        that was learned before stays.
        """
        if self.log_var is not None and self.log_var == 0 and len(x) > 1:
            spread = x.double().var(0).mean().clamp(min=4 * self.min_scale**2)
            self.log_var.copy_(spread.log())

    def per_value(self, mu: Tensor, log_var: Tensor | None = None) -> Normal:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Normal(mu, self._sigma(mu, log_var), validate_args=False)

    def _sigma(self, mu: Tensor, log_var: Tensor | None) -> Tensor:
        log_var = self.log_var if log_var is None else log_var
        if log_var is None:
            return mu.new_tensor(self.scale).expand_as(mu)
        log_var = soft_clamp(log_var, 2 * math.log(self.min_scale), 20.0)
        return torch.exp(0.5 * log_var).expand_as(mu)
