"""p(x|z) = N(decoder output, sigma^2)."""

import math
from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor, nn
from torch.distributions import Normal

from vaekit.core.distributions import soft_clamp
from vaekit.errors import ConfigError
from vaekit.likelihoods.base import Likelihood
from vaekit.nets.blocks import Shape

MAX_LOG_VAR = 20.0


class Gaussian(Likelihood):
    """p(x|z) = N(mu, sigma^2) for each value, with mu from the decoder.

    Args:
        shape: Shape of one example.
        scale: Standard deviation sigma; a number: fixed; shared: one learned sigma for all values,
            initialized to 1, or by `vaekit.train` to the spread of the training examples; learned:
            one sigma per value from the decoder, with twice the outputs.
        min_scale: Smooth lower bound of a learned sigma, without which the density of constant
            pixels would grow without limit, in the units that the model sees (images: 1 is white).

    Raises:
        ConfigError: `scale` is another word.

    References:
        Rybkin et al., 2021, "Simple and effective VAE training with calibrated decoders" (shared).
        Kingma & Welling, 2014, "Auto-encoding variational Bayes" (learned).

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
            raise ConfigError.for_value(
                "likelihood.scale", scale, "a number greater than 0, 'shared' or 'learned'"
            )
        self.scale = scale
        self.min_scale = min_scale
        self.parameters_per_value = 2 if scale == "learned" else 1
        self.log_var = nn.Parameter(torch.zeros(())) if scale == "shared" else None

    @torch.no_grad()
    def init_from_data(self, x: Tensor) -> None:
        """Set a shared sigma to the spread of examples [N, *shape] around their mean.

        The decoder starts at about that mean. From sigma = 1, training on images would take many
        hundred steps to fit sigma, and latent codes would carry nothing meanwhile. A sigma that
        training changed before stays.
        """
        if self.log_var is not None and self.log_var == 0 and len(x) > 1:
            spread = x.double().var(0).mean().clamp(min=4 * self.min_scale**2)
            self.log_var.copy_(spread.log())

    def link(self, mean: Tensor) -> Tensor:
        """mu, which is the mean."""
        return mean

    def per_value(self, mu: Tensor, log_var: Tensor | None = None) -> Normal:
        """The normal distribution of each value."""
        return Normal(mu, self._sigma(mu, log_var), validate_args=False)

    def _sigma(self, mu: Tensor, log_var: Tensor | None) -> Tensor:
        log_var = self.log_var if log_var is None else log_var
        if log_var is None:
            return mu.new_tensor(self.scale).expand_as(mu)
        log_var = soft_clamp(log_var, 2 * math.log(self.min_scale), MAX_LOG_VAR)
        return torch.exp(0.5 * log_var).expand_as(mu)
