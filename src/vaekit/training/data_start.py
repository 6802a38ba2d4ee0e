"""The start of a training: parts that take their first weights from examples."""

import math

import torch
from torch import Tensor

from vaekit.core.components import (
    PrincipalComponents,
    max_component_examples,
    principal_components,
)
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.nets.components import ComponentsDecoder, ComponentsEncoder

MIN_SHRINKAGE = 1e-6


def max_start_examples(model: VAE) -> int:
    """The most examples that a model starts from."""
    return max_component_examples(math.prod(model.data_shape))


@torch.no_grad()
def init_from_data(model: VAE, x: Tensor) -> None:
    """Start the scale of the likelihood, and a model with components as a linear model.

    Args:
        model: The model.
        x: Training examples [N, *shape], as the model takes them.
    """
    start_likelihood = getattr(model.likelihood, "init_from_data", _keep)
    if not isinstance(model.encoder, ComponentsEncoder):
        start_likelihood(x)
        return
    components = principal_components(x).first(math.prod(model.latent_shape))
    start_likelihood(components.residuals(x))
    _start_as_linear(model, components)


def _keep(x: Tensor) -> None:
    """The start of a likelihood of the user's own."""


def _start_as_linear(model: VAE, components: PrincipalComponents) -> None:
    """Start encoder, posterior and decoder as probabilistic principal component analysis.

    The decoder is the first-order expansion of the likelihood's link function around the mean.
    """
    encoder, posterior, decoder = model.encoder, model.posterior, model.decoder
    assert isinstance(encoder, ComponentsEncoder) and isinstance(decoder, ComponentsDecoder)
    mean, directions, variances = components
    location, slope = _link(model, mean)
    decoder.init_from_components(location, directions * slope, torch.zeros_like(variances))
    noise = _noise_variance(model)
    shrinkage = (noise / variances).clamp(MIN_SHRINKAGE, 1)
    scales = (variances * (1 - shrinkage)).sqrt()
    encoder.init_from_components(mean, directions, variances)
    posterior.init_from_components(shrinkage)  # pyright: ignore[reportCallIssue] - checked by build
    decoder.init_from_components(location, directions * slope, scales)


def _link(model: VAE, mean: Tensor) -> tuple[Tensor, Tensor]:
    """The location of every value at its mean, and the derivative there."""
    with torch.enable_grad():
        mean = mean.detach().requires_grad_()
        location = model.likelihood.link(mean)
        (slope,) = torch.autograd.grad(location.sum(), mean)
    return location.detach(), slope


def _noise_variance(model: VAE) -> Tensor:
    """The mean variance of a value given the mean code."""
    z = torch.zeros(1, *model.latent_shape).to(next(model.parameters()))
    with eval_mode(model):
        return model.decode(z, model.dummy_condition(1)).variance.mean()
