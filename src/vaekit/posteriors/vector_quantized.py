"""z = entries of a learned codebook, the nearest to what the encoder gives."""

from typing import Annotated

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import Tensor

from vaekit.core.codebook import Codebook, Quantized
from vaekit.core.distribution_module import full_precision
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Shape, glorot_, head
from vaekit.posteriors.base import Posterior
from vaekit.runtime import distributed

Count = Annotated[int, Field(ge=2, le=65_536)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class VectorQuantized(Posterior):
    """z by position the nearest of `codes` vectors, which follow what is assigned to them (van den Oord et al., 2017).

    The gradient passes straight through; the penalty commitment * |z_e - z|^2 keeps the encoder near its codes.
    codes: entries of the codebook, shared by all positions. groups: codes side by side, each of latent / groups numbers.
    decay: of the moving averages that make the codebook (Razavi et al., 2019).
    revive: a code with fewer assignments per batch than this, on the moving average, moves to a random vector of the batch.

    Features that are a map [C, H, W] give a map of codes; a vector gives `groups` codes.
    Raises ConfigError where groups does not divide latent.

    >>> VectorQuantised(16, 8, codes=32, groups=4)(torch.randn(5, 16)).sample().shape
    torch.Size([5, 8])
    """

    prior = "autoregressive"
    latent: Codebook

    def __init__(
        self,
        features: int | Shape,
        latent: int,
        /,
        *,
        codes: Count = 256,
        groups: PositiveInt = 1,
        commitment: NonNegativeFloat = 0.25,
        decay: Decay = 0.99,
        revive: NonNegativeFloat = 0.1,
    ):
        super().__init__()
        if latent % groups:
            raise ConfigError(
                f"posterior.groups = {groups} does not divide latent_dim = {latent}: choose a divisor of it"
            )
        self.latent_dim, self.codes, self.groups = latent, codes, groups
        self.commitment, self.decay, self.revive = commitment, decay, revive
        self.project = head(features, latent)
        glorot_(self)
        book = torch.randn(codes, latent // groups) / codes
        self.latent = Codebook(book, groups, self.project.shape[1:], shared=True, learned=True)
        self.register_buffer("usage", torch.zeros(codes))
        self.register_buffer("totals", torch.zeros_like(book))
        self.usage: Tensor
        self.totals: Tensor

    def forward(self, features: Tensor) -> Quantized:  # pyright: ignore[reportIncompatibleMethodOverride]
        vectors = self.latent.split(full_precision(self.project(features)))
        if self.training and not self.usage.any():
            self._replace(
                torch.ones_like(self.usage, dtype=torch.bool),
                distributed.all_gather(vectors.detach()),
            )
        indices = self.latent.nearest(vectors)
        q = Quantized(
            self.latent,
            indices,
            vectors,
            {"commitment": self.commitment * self._distance(vectors, indices)},
        )
        if self.training:
            self._follow(distributed.all_gather(vectors.detach()), distributed.all_gather(indices))
        return q

    def _distance(self, vectors: Tensor, indices: Tensor) -> Tensor:
        """|z_e - z|^2, the mean over rows."""
        return (vectors - self.latent.vectors[indices]).square().flatten(1).sum(1).mean()

    @torch.no_grad()
    def _follow(self, vectors: Tensor, indices: Tensor) -> None:
        """Move each code towards the mean of the vectors that were assigned to it, and the unused ones to others."""
        flat = indices.flatten()
        counts = torch.bincount(flat, minlength=self.codes).to(self.usage)
        sums = torch.zeros_like(self.totals).index_add_(
            0, flat, vectors.flatten(0, -2).to(self.totals)
        )
        self.usage.lerp_(counts, 1 - self.decay)
        self.totals.lerp_(sums, 1 - self.decay)
        used = self.usage.unsqueeze(-1) > 1e-6  # an average of nothing would be the origin
        self.latent.vectors = torch.where(
            used, self.totals / self.usage.unsqueeze(-1), self.latent.vectors
        )
        self._replace(self.usage < self.revive, vectors)

    @torch.no_grad()
    def _replace(self, dead: Tensor, vectors: Tensor) -> None:
        """Put the dead codes on random ones of the vectors, with a usage of 1."""
        candidates = vectors.flatten(0, -2).to(self.totals)
        chosen = candidates[torch.randint(len(candidates), (self.codes,), device=candidates.device)]
        self.usage = torch.where(dead, 1.0, self.usage)
        self.totals = torch.where(dead.unsqueeze(-1), chosen, self.totals)
        self.latent.vectors = torch.where(dead.unsqueeze(-1), chosen, self.latent.vectors)
