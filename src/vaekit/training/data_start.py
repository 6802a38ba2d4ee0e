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
from vaekit.likelihoods.normalized import without_normalization
from vaekit.nets.components import ComponentsDecoder, ComponentsEncoder
from vaekit.nets.normalized import NormalizedEncoder

MIN_SHRINKAGE = 1e-6
MIN_HALVED_EXAMPLES = 4


def max_start_examples(model: VAE) -> int:
    """The most examples that a model starts from."""
    return max_component_examples(math.prod(model.data_shape))


@torch.no_grad()
def init_from_data(model: VAE, x: Tensor) -> None:
    """Start normalization and scale of the likelihood, and a model with components as linear.

    Args:
        model: The model.
        x: Training examples [N, *shape], as the model takes them.
    """
    if isinstance(model.encoder, NormalizedEncoder):
        model.encoder.normalization.init_from_data(x)
        model.likelihood.normalization.init_from_data(x)
        x = model.encoder.normalization(x)
    likelihood = without_normalization(model.likelihood)
    start_likelihood = getattr(likelihood, "init_from_data", _keep)
    if not isinstance(without_normalization(model.encoder), ComponentsEncoder):
        start_likelihood(x)
        return
    count = math.prod(model.latent_shape)
    start_likelihood(_held_out_residuals(x, count))
    _start_as_linear(model, principal_components(x).first(count))


def _held_out_residuals(x: Tensor, count: int) -> Tensor:
    """What the components of one half of the examples leave unexplained in the other half.

    Components explain the examples that they come from better than others: with few examples a
    scale from those would be far too small, and the density of other examples with it.
    """
    if len(x) < MIN_HALVED_EXAMPLES:
        return x
    halves = x[::2], x[1::2]
    pairs = (halves, halves[::-1])
    return torch.cat([principal_components(a).first(count).residuals(b) for a, b in pairs])


def _keep(x: Tensor) -> None:
    """The start of a likelihood of the user's own."""


def _start_as_linear(model: VAE, components: PrincipalComponents) -> None:
    """Start encoder, posterior and decoder as probabilistic principal component analysis.

    The decoder is the first-order expansion of the likelihood's link function around the mean.
    """
    encoder = without_normalization(model.encoder)
    decoder = model.decoder
    assert isinstance(decoder, ComponentsDecoder)
    mean, directions, variances = components
    location, slope = _link(model, mean)
    decoder.init_from_components(location, directions * slope, torch.zeros_like(variances))
    noise = _noise_variance(model)
    shrinkage = (noise / variances).clamp(MIN_SHRINKAGE, 1)
    scales = (variances * (1 - shrinkage)).sqrt()
    encoder.init_from_components(mean, directions, variances)
    model.posterior.init_from_components(shrinkage)  # pyright: ignore[reportCallIssue] - see build
    decoder.init_from_components(location, directions * slope, scales)


def _link(model: VAE, mean: Tensor) -> tuple[Tensor, Tensor]:
    """The location of every value at its mean, and the derivative there."""
    with torch.enable_grad():
        mean = mean.detach().requires_grad_()
        location = without_normalization(model.likelihood).link(mean)
        (slope,) = torch.autograd.grad(location.sum(), mean)
    return location.detach(), slope


def _noise_variance(model: VAE) -> Tensor:
    """The mean variance of a normalized value given the mean code."""
    z = torch.zeros(1, *model.latent_shape).to(next(model.parameters()))
    condition = model.condition_arguments(model.dummy_condition(1))
    with eval_mode(model):
        parameters = model.decoder(z, *condition)
    return without_normalization(model.likelihood)(parameters).variance.mean()
