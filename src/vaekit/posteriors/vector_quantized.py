"""q(z|x) with all mass on the nearest entries of a learned codebook."""

from typing import Annotated

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import Tensor

from vaekit.core.codebook import Codebook, Quantized
from vaekit.core.distribution_module import full_precision
from vaekit.errors import ConfigError
from vaekit.nets.blocks import Shape, glorot_init_, linear_head
from vaekit.posteriors.base import Posterior
from vaekit.runtime import distributed

Count = Annotated[int, Field(ge=2, le=65_536)]
Decay = Annotated[float, Field(ge=0, lt=1)]

MIN_USAGE = 1e-6
"""Codes that are used less keep their vectors: an average of nothing would be the origin."""


class VectorQuantized(Posterior):
    """At each position z is the nearest entry of a codebook to the encoder's vector z_e.

    The codes follow the moving averages of the vectors that are assigned to them. The gradient
    passes straight through, and the penalty commitment * |z_e - z|^2 keeps the encoder near its
    codes. Features that are a map [C, H, W] give a map of codes; a vector gives `groups` codes.

    Args:
        features: Size, or shape, of the features of one example.
        latent: Latent dimensions, a multiple of `groups`.
        codes: Entries of the codebook, which all positions share.
        groups: Codes per position, each of latent_dim / groups numbers.
        commitment: Weight of the penalty that keeps the encoder near its codes.
        decay: Decay of the moving averages that the codes follow.
        dead_code_threshold: Assignments per batch, on the moving average, below which a code
            moves to a random vector of the batch.

    Raises:
        ConfigError: `groups` does not divide `latent`.

    References:
        van den Oord et al., 2017, "Neural discrete representation learning".
        Razavi et al., 2019, "Generating diverse high-fidelity images with VQ-VAE-2".

    >>> VectorQuantized(16, 8, codes=32, groups=4)(torch.randn(5, 16)).sample().shape
    torch.Size([5, 8])
    """

    prior = "autoregressive"
    latent: Codebook
    usage: Tensor
    totals: Tensor

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
        dead_code_threshold: NonNegativeFloat = 0.1,
    ):
        super().__init__()
        if latent % groups:
            raise ConfigError.for_value(
                "posterior.groups", groups, f"a divisor of latent_dim, which is {latent}"
            )
        self.latent_dim = latent
        self.codes = codes
        self.groups = groups
        self.commitment = commitment
        self.decay = decay
        self.dead_code_threshold = dead_code_threshold
        self.project = linear_head(features, latent)
        glorot_init_(self)
        vectors = torch.randn(codes, latent // groups) / codes
        self.latent = Codebook(vectors, groups, self.project.shape[1:], shared=True, learned=True)
        self.register_buffer("usage", torch.zeros(codes))
        self.register_buffer("totals", torch.zeros_like(vectors))

    def forward(self, features: Tensor) -> Quantized:
        """q(z|x) of features [B, F] or [B, C, h, w]; in training mode the codes move after it."""
        vectors = self.latent.split(full_precision(self.project(features)))
        if self.training and not self.usage.any():
            every_code = torch.ones_like(self.usage, dtype=torch.bool)
            self._replace_codes(every_code, distributed.all_gather(vectors.detach()))
        indices = self.latent.nearest(vectors)
        commitment = self.commitment * self._squared_distance(vectors, indices)
        q = Quantized(self.latent, indices, vectors, {"commitment": commitment})
        if self.training:
            self._update_codes(
                distributed.all_gather(vectors.detach()), distributed.all_gather(indices)
            )
        return q

    def _squared_distance(self, vectors: Tensor, indices: Tensor) -> Tensor:
        """|z_e - z|^2, the mean over examples."""
        return (vectors - self.latent.vectors[indices]).square().flatten(1).sum(1).mean()

    @torch.no_grad()
    def _update_codes(self, vectors: Tensor, indices: Tensor) -> None:
        """Move each code toward the mean of its assigned vectors, and replace the dead codes."""
        flat = indices.flatten()
        counts = torch.bincount(flat, minlength=self.codes).to(self.usage)
        sums = torch.zeros_like(self.totals)
        sums.index_add_(0, flat, vectors.flatten(0, -2).to(self.totals))
        self.usage.lerp_(counts, 1 - self.decay)
        self.totals.lerp_(sums, 1 - self.decay)
        used = self.usage.unsqueeze(-1) > MIN_USAGE
        means = self.totals / self.usage.unsqueeze(-1)
        self.latent.vectors = torch.where(used, means, self.latent.vectors)
        self._replace_codes(self.usage < self.dead_code_threshold, vectors)

    @torch.no_grad()
    def _replace_codes(self, dead: Tensor, vectors: Tensor) -> None:
        """Move the dead codes to random vectors, with a usage of 1."""
        candidates = vectors.flatten(0, -2).to(self.totals)
        indices = torch.randint(len(candidates), (self.codes,), device=candidates.device)
        replacements = candidates[indices]
        self.usage = torch.where(dead, 1.0, self.usage)
        self.totals = torch.where(dead.unsqueeze(-1), replacements, self.totals)
        self.latent.vectors = torch.where(dead.unsqueeze(-1), replacements, self.latent.vectors)
