"""How much the gradient of an objective varies with the noise that it is estimated from."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.runtime.seeding import seeded_noise


class GradientVariance(NamedTuple):
    """variance: the trace of the gradient's covariance. squared_norm: of its mean, which the error of the mean raises by
    variance / draws."""

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
    """Of the gradient in the parameters of encoder and posterior, over new noise for the same weights and rows.

    variance = 1/(n - 1) sum_i |g_i - mean|^2, summed over all parameters, g_1 ... g_n the gradients of n = `draws` losses;
    by Welford's recurrence, in float64 whatever the model's precision.

    x: rows [B, *shape] as the model takes them; y: their classes, of a conditional model. The model stays in its mode.
    Raises ConfigError for fewer than two draws.

    >>> from vaekit import ELBO, build
    >>> x = torch.rand(8, 6)
    >>> gradient_variance(build("mlp", x.numpy()), ELBO(), x, draws=2).variance > 0
    True
    """
    if draws < 2:
        raise ConfigError(f"draws = {draws}: at least 2, for a variance")
    model = deepcopy(
        model
    )  # a codebook and batch statistics move with every look at them in training mode
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    parameters = [
        p for part in (model.encoder, model.posterior) for p in part.parameters() if p.requires_grad
    ]
    mean, squares = torch.zeros(()), torch.zeros(())
    for i in range(draws):
        with seeded_noise(seed, i):
            model.load_state_dict(buffers, strict=False)
            loss = objective(model, x, *(() if y is None else (y,))).loss
        gradient = _flat(
            torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        )
        deviation = gradient - mean
        mean = mean + deviation / (i + 1)
        squares = squares + deviation @ (gradient - mean)
    return GradientVariance(squares.item() / (draws - 1), mean.square().sum().item())


def _flat(gradients: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([g.flatten() for g in gradients]).double()
