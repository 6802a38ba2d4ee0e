"""q(z given x) = a product of categorical variables, relaxed while training."""

from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from vaekit.core.codebook import Codebook, IndependentCodes
from vaekit.core.distribution_module import full_precision
from vaekit.nets.blocks import Shape, glorot_, head
from vaekit.posteriors.base import Posterior

Classes = Annotated[int, Field(ge=2, le=4096)]


class Categorical(Posterior):
    """`latent` independent variables of `classes` values each, z their one-hot vectors in a row.

    gradient: "gumbel-softmax" trains on softmax((log q + Gumbel noise) / temperature) (Jang et al., 2017; Maddison et al.,
        2017); "straight-through" on its largest entry, with the gradient of the softmax.
    temperature, final_temperature: the first and the last of training, exponentially between.

    Out of training z is an exact one-hot sample, so every figure is that of the discrete model.

    >>> Categorical(16, 20, classes=10).eval()(torch.zeros(5, 16)).sample().sum(-1)  # one per variable
    tensor([20., 20., 20., 20., 20.])
    """

    prior = "uniform"
    latent: Codebook

    def __init__(
        self,
        features: int | Shape,
        latent: int,
        /,
        *,
        classes: Classes = 10,
        gradient: Literal["gumbel-softmax", "straight-through"] = "gumbel-softmax",
        temperature: PositiveFloat = 1.0,
        final_temperature: PositiveFloat = 0.5,
    ):
        super().__init__()
        self.latent_dim, self.classes, self.gradient = latent, classes, gradient
        self.temperature, self.final_temperature = temperature, final_temperature
        self.logits = head(features, latent * classes)
        glorot_(self)
        self.latent = Codebook(torch.eye(classes), latent, self.logits.shape[1:])
        self.progress = 0.0

    def anneal(self, progress: float) -> None:
        self.progress = progress

    def forward(self, features: Tensor) -> "GumbelSoftmaxCodes":  # pyright: ignore[reportIncompatibleMethodOverride]
        logits = self.latent.split(full_precision(self.logits(features)))
        temperature = (
            self.temperature ** (1 - self.progress) * self.final_temperature**self.progress
        )
        return GumbelSoftmaxCodes(
            self.latent,
            logits,
            temperature,
            hard=self.gradient == "straight-through" or not self.training,
        )


class GumbelSoftmaxCodes(IndependentCodes):
    """Categorical variables whose reparameterized samples are Gumbel-softmax; hard: one-hot, with that gradient."""

    has_rsample = True

    def __init__(self, codebook: Codebook, logits: Tensor, temperature: float, *, hard: bool):
        super().__init__(codebook, logits)
        self.temperature, self.hard = temperature, hard

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        logits = self.logits.expand(*sample_shape, *self.logits.shape)
        gumbel = -torch.empty_like(logits).exponential_().log()
        soft = torch.softmax((logits + gumbel) / self.temperature, -1)
        if not self.hard:
            return self.codebook.join(soft)
        hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)
        return self.codebook.join(hard + (soft - soft.detach()))
