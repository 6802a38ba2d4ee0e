"""q(z|x) with all mass on numbers rounded to a few levels each."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from vaekit.core.codebook import Codebook, Quantized
from vaekit.core.distribution_module import full_precision
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Shape, glorot_init_, linear_head
from vaekit.posteriors.base import Posterior

Levels = Annotated[int, Field(ge=2, le=256)]

MAX_CODES = 65_536


class FiniteScalar(Posterior):
    """Each number of z is bounded to [-1, 1] by tanh and rounded to one of its levels.

    The levels are evenly spaced. Only the projection is learned, so no code can die, and the
    gradient passes straight through the rounding.

    Args:
        features: Size, or shape, of the features of one example.
        latent: Latent dimensions, a multiple of the number of `levels`.
        levels: Levels of each number of a code; their product is the number of codes, and
            latent_dim is a multiple of their number.

    Raises:
        ConfigError: latent_dim is no such multiple, or there are more than 65,536 codes.

    References:
        Mentzer et al., 2024, "Finite scalar quantization".

    >>> FiniteScalar(16, 4, levels=(8, 5, 5, 5))(torch.zeros(3, 16)).sample().shape
    torch.Size([3, 4])
    """

    max_levels: Tensor
    index_weights: Tensor
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
        _check_levels(latent, levels)
        self.latent_dim = latent
        self.levels = tuple(levels)
        self.project = linear_head(features, latent)
        glorot_init_(self)
        # The first number of a code changes slowest as the index of the code rises.
        index_weights = [math.prod(levels[i + 1 :]) for i in range(len(levels))]
        max_levels = torch.tensor(levels, dtype=torch.get_default_dtype()) - 1
        self.register_buffer("index_weights", torch.tensor(index_weights), persistent=False)
        self.register_buffer("max_levels", max_levels, persistent=False)
        vectors = torch.cartesian_prod(*(torch.linspace(-1, 1, n) for n in self.levels))
        self.latent = Codebook(
            vectors.reshape(-1, len(self.levels)),
            latent // len(levels),
            self.project.shape[1:],
            shared=True,
        )

    def forward(self, features: Tensor) -> Quantized:
        """q(z|x) of features [B, F] or [B, C, h, w]."""
        vectors = torch.tanh(self.latent.split(full_precision(self.project(features))))
        levels = torch.round((vectors.detach() + 1) / 2 * self.max_levels).long()
        return Quantized(self.latent, (levels * self.index_weights).sum(-1), vectors)


def _check_levels(latent: int, levels: tuple[int, ...]) -> None:
    count = len(levels)
    if latent % count:
        raise ConfigError.for_value(
            "latent_dim",
            latent,
            f"a multiple of {count}, the number of posterior.levels",
            fix=f"Choose {-(-latent // count) * count}",
        )
    if math.prod(levels) > MAX_CODES:
        raise ConfigError.for_value(
            "posterior.levels",
            levels,
            f"a product of at most {MAX_CODES:,}, not {math.prod(levels):,}",
        )
