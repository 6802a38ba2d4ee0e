"""Variance of the gradient of an objective over the noise that it is estimated from."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.runtime.seeding import seeded_noise


class GradientVariance(NamedTuple):
    """The variance of a gradient.

    Attributes:
        variance: Trace of the covariance of the gradient.
        squared_norm: Squared norm of the mean gradient, larger by variance / draws in expectation
            than that of the true gradient.
    """

    variance: float
    squared_norm: float


def gradient_variance(
    model: VAE,
    objective: Callable[..., Any],
    x: Tensor,
    y: Tensor | None = None,
    *,
    draws: int = 100,
    seed: int = 0,
) -> GradientVariance:
    """The variance of the gradient in the parameters of encoder and posterior.

    variance = 1/(n - 1) sum_i |g_i - mean|^2 over n = `draws` gradients of the same weights and
    examples with new noise each, by Welford's recurrence in float64 whatever the precision.

    Args:
        model: The model, in training or evaluation mode; it is not changed.
        objective: Called as objective(model, x) or objective(model, x, y).
        x: Examples as the model takes them, [B, *shape].
        y: Class numbers [B] of a conditional model.
        draws: Number of gradients.
        seed: Seed of the noise.

    Raises:
        ConfigError: Fewer than two draws.

    >>> from vaekit import ELBO, build
    >>> x = torch.rand(8, 6)
    >>> gradient_variance(build("mlp", x.numpy()), ELBO(), x, draws=2).variance > 0
    True
    """
    if draws < 2:
        raise ConfigError.for_value("draws", draws, "2 or more, for a variance")
    model = deepcopy(model)  # training mode changes a codebook and batch statistics in each call
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    parts = (model.encoder, model.posterior)
    parameters = [p for part in parts for p in part.parameters() if p.requires_grad]
    arguments = (x,) if y is None else (x, y)
    mean = torch.zeros(())
    squares = torch.zeros(())
    for i in range(draws):
        with seeded_noise(seed, i):
            model.load_state_dict(buffers, strict=False)
            loss = objective(model, *arguments).loss
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        gradient = torch.cat([g.flatten() for g in gradients]).double()
        deviation = gradient - mean
        mean = mean + deviation / (i + 1)
        squares = squares + deviation @ (gradient - mean)
    return GradientVariance(squares.item() / (draws - 1), mean.square().sum().item())
