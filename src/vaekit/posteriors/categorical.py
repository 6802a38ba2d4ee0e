"""q(z|x) = a product of categorical variables, relaxed during training."""

from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from vaekit.core.codebook import Codebook, IndependentCodes
from vaekit.core.distribution_module import full_precision
from vaekit.nets.blocks import Shape, glorot_init_, linear_head
from vaekit.posteriors.base import Posterior

Classes = Annotated[int, Field(ge=2, le=4096)]


class Categorical(Posterior):
    """`latent` independent categorical variables; z is the concatenation of their one-hot vectors.

    In evaluation mode z is an exact one-hot sample, so that every metric is one of the discrete
    model.

    Args:
        features: Size, or shape, of the features of one example.
        latent: Number of variables, at each pixel if the features are a map.
        classes: Values of each variable.
        gradient: How gradients pass through samples; gumbel-softmax: z is the relaxed sample
            softmax((log q + Gumbel noise) / temperature); straight-through: z is its largest
            entry as a one-hot vector, with the gradient of the relaxed sample.
        temperature: Temperature of the relaxation at the start of training.
        final_temperature: Temperature at the end of training, approached exponentially.

    References:
        Jang et al., 2017, "Categorical reparameterization with Gumbel-softmax".
        Maddison et al., 2017, "The concrete distribution".

    >>> Categorical(16, 20, classes=10).eval()(torch.zeros(5, 16)).sample().sum(-1)
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
        self.latent_dim = latent
        self.classes = classes
        self.gradient = gradient
        self.temperature = temperature
        self.final_temperature = final_temperature
        self.logits = linear_head(features, latent * classes)
        glorot_init_(self)
        self.latent = Codebook(torch.eye(classes), latent, self.logits.shape[1:])
        self.progress = 0.0

    def anneal(self, progress: float) -> None:
        """Set the temperature of this fraction of training, 0 to 1."""
        self.progress = progress

    def forward(self, features: Tensor) -> "GumbelSoftmaxCodes":
        """q(z|x) of features [B, F] or [B, C, h, w]."""
        logits = self.latent.split(full_precision(self.logits(features)))
        start = self.temperature ** (1 - self.progress)
        end = self.final_temperature**self.progress
        hard = self.gradient == "straight-through" or not self.training
        return GumbelSoftmaxCodes(self.latent, logits, start * end, hard=hard)


class GumbelSoftmaxCodes(IndependentCodes):
    """Categorical variables whose reparameterized samples are Gumbel-softmax.

    Args:
        codebook: The codes.
        logits: Logits of the codes at each position, [B, M, K].
        temperature: Temperature of the relaxation.
        hard: Whether samples are one-hot, with the gradient of the relaxed ones.
    """

    has_rsample = True

    def __init__(self, codebook: Codebook, logits: Tensor, temperature: float, *, hard: bool):
        super().__init__(codebook, logits)
        self.temperature = temperature
        self.hard = hard

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:
        """Reparameterized samples, relaxed or one-hot."""
        logits = self.logits.expand(*sample_shape, *self.logits.shape)
        gumbel = -torch.empty_like(logits).exponential_().log()
        soft = torch.softmax((logits + gumbel) / self.temperature, -1)
        if not self.hard:
            return self.codebook.join(soft)
        one_hot = torch.zeros_like(soft).scatter_(-1, soft.argmax(-1, keepdim=True), 1.0)
        return self.codebook.join(one_hot + (soft - soft.detach()))
