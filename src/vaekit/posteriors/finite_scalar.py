"""z = numbers rounded to a few levels each."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from vaekit.core.codebook import Codebook, Quantized
from vaekit.core.distribution_module import full_precision
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Shape, glorot_, head
from vaekit.posteriors.base import Posterior

Levels = Annotated[int, Field(ge=2, le=256)]
MAX_CODES = 65_536


class FiniteScalar(Posterior):
    """Each number of z, squashed by tanh to [-1, 1], is rounded to one of its levels, evenly spaced (Mentzer et al., 2024).

    levels: of the numbers that make one code; their product is how many codes there are. latent_dim is a multiple of how
        many there are, and the codes of one position stand side by side.

    Nothing but the projection is learned, and no code can die. The gradient passes straight through the rounding.
    Raises ConfigError where latent is no multiple of the number of levels, or the codes are more than 65,536.

    >>> FiniteScalar(16, 4, levels=(8, 5, 5, 5))(torch.zeros(3, 16)).sample().shape
    torch.Size([3, 4])
    """

    steps: Tensor
    places: Tensor
    prior = "autoregressive"
    latent: Codebook

    def __init__(
        self,
        features: int | Shape,
        latent: int,
        /,
        *,
        levels: Annotated[tuple[Levels, ...], Field(min_length=1, max_length=16)] = (8, 5, 5, 5),
    ):
        super().__init__()
        if latent % len(levels):
            raise ConfigError(
                f"latent_dim = {latent} is no multiple of {len(levels)}, the number of posterior.levels {levels}: "
                f"set latent_dim={-(-latent // len(levels)) * len(levels)}"
            )
        if math.prod(levels) > MAX_CODES:
            raise ConfigError(
                f"posterior.levels {levels} make {math.prod(levels):,} codes, at most {MAX_CODES:,} are allowed"
            )
        self.latent_dim, self.levels = latent, tuple(levels)
        self.project = head(features, latent)
        glorot_(self)
        places = [
            math.prod(levels[i + 1 :]) for i in range(len(levels))
        ]  # the first number changes slowest
        self.register_buffer("places", torch.tensor(places), persistent=False)
        self.register_buffer(
            "steps", torch.tensor(levels, dtype=torch.get_default_dtype()) - 1, persistent=False
        )
        grid = torch.cartesian_prod(*(torch.linspace(-1, 1, n) for n in self.levels)).reshape(
            -1, len(self.levels)
        )
        self.latent = Codebook(grid, latent // len(levels), self.project.shape[1:], shared=True)

    def forward(self, features: Tensor) -> Quantized:  # pyright: ignore[reportIncompatibleMethodOverride]
        vectors = torch.tanh(self.latent.split(full_precision(self.project(features))))
        levels = torch.round((vectors.detach() + 1) / 2 * self.steps).long()
        return Quantized(self.latent, (levels * self.places).sum(-1), vectors)
