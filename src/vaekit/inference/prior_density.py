"""The density of a prior, as far as the prior itself knows it in closed form."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit.core.distributions import is_deterministic
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE


@dataclass(frozen=True)
class NormalParameters:
    """Mean and standard deviation of a normal prior, [C, L] by class or [1, L].

    Attributes:
        mean: The means.
        stddev: The standard deviations.
    """

    mean: Tensor
    stddev: Tensor


def has_prior(model: VAE) -> bool:
    """Whether training compares codes with a prior, which continuous point codes do without."""
    return model.codebook is not None or not has_deterministic_posterior(model)


def has_deterministic_posterior(model: VAE) -> bool:
    """Whether q(z|x) has all its mass on one code."""
    x = torch.zeros(1, *model.data_shape).to(next(model.parameters()))
    with eval_mode(model), torch.no_grad():
        return is_deterministic(model.encode(x, model.dummy_condition(1)))


def normal_parameters(model: VAE) -> NormalParameters | None:
    """The parameters of a prior with independent normal dimensions; None for any other prior."""
    labels = None
    if model.classes:
        labels = torch.arange(model.classes, device=next(model.parameters()).device)
    p = model.prior_distribution(labels)
    base = p.base_dist if isinstance(p, Independent) else p
    if not isinstance(base, Normal):
        return None
    batch_dims = len(p.batch_shape)
    return NormalParameters(
        _by_class(base.mean, batch_dims),
        _by_class(base.stddev, batch_dims),
    )


def _by_class(parameter: Tensor, batch_dims: int) -> Tensor:
    """A parameter of the prior as [C or 1, L]."""
    size = parameter[(0,) * batch_dims].numel()
    flat = parameter.detach().flatten(batch_dims)
    return flat.reshape(-1 if batch_dims else 1, size).cpu()
