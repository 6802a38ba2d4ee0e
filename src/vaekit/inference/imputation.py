"""Imputation of missing values from the observed ones."""

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.core.distributions import is_deterministic
from vaekit.core.vae import VAE
from vaekit.data.building import channels_first
from vaekit.data.checks import as_array
from vaekit.errors import ConfigError, DataError

INITIAL_SAMPLES = 100
"""Prior samples whose mean initializes missing values."""


@torch.no_grad()
def impute(
    model: VAE,
    x: Tensor,
    missing: Tensor,
    y: Tensor | None = None,
    *,
    iterations: int = 100,
    proposals: int = 50,
) -> Tensor:
    """Replace missing values by E[x_m|x_o], their mean given the observed values.

        E[x_m|x_o] = sum_z w_z E[x_m|z] / sum_z w_z,   w_z = p(x_o|z) p(z) / q(z|x_o, x_m)

    Pseudo-Gibbs sampling z ~ q(z|x), x_m ~ p(x_m|z), with several z per iteration, of which one is
    resampled by its weight: with one proposal it is exact if q is the true posterior, with many
    wherever q has mass. The result is the mean over the second half of the iterations; weights
    over all iterations would be exact in the limit, but a few z would dominate long before.

    Args:
        model: The model.
        x: Examples as the model takes them, [B, *shape].
        missing: bool [B, *shape].
        y: Class numbers [B] of a conditional model.
        iterations: Iterations.
        proposals: Samples of z in each; one if the posterior is deterministic.

    Returns:
        x with missing values replaced.

    Raises:
        ConfigError: The likelihood makes values depend on one another, even with z fixed.

    References:
        Rubin, 1987; Rezende et al., 2014.

    >>> from vaekit import build
    >>> import numpy as np
    >>> model = build("mlp", np.zeros((10, 6)), latent_dim=2)
    >>> x = torch.zeros(3, 6)
    >>> impute(model, x, x.bool()).equal(x)  # nothing is missing
    True
    """
    first_y = None if y is None else y[:1].expand(INITIAL_SAMPLES, *y.shape[1:])
    x = torch.where(missing, model.sample(INITIAL_SAMPLES, first_y).mean(0), x)
    mean = torch.zeros_like(x)
    examples = torch.arange(len(x), device=x.device)
    averaged = range(iterations // 2, iterations)
    for iteration in range(iterations):
        q = model.encode(x, y)
        z = q.sample((1 if is_deterministic(q) else proposals,))
        p = model.decode(z, y)
        log_weight = _observed_log_likelihood(p, x, missing)
        if len(z) > 1:
            log_weight = log_weight + model.prior_distribution(y).log_prob(z) - q.log_prob(z)
        weight = log_weight.softmax(0)
        resampled = z[torch.multinomial(weight.T, 1)[:, 0], examples]
        x = torch.where(missing, model.decode(resampled, y).sample().to(x), x)
        if iteration in averaged:
            expanded = weight.reshape(*weight.shape, *[1] * (x.dim() - 1))
            mean += (expanded * p.mean).sum(0) / len(averaged)
    return torch.where(missing, mean, x)


def _observed_log_likelihood(p: Distribution, x: Tensor, missing: Tensor) -> Tensor:
    """log p(x_o|z), [K, B]."""
    if not isinstance(p, Independent) or p.reinterpreted_batch_ndims != x.dim() - 1:
        raise ConfigError(
            "imputation needs a likelihood of independent values, but this one makes values "
            "depend on one another. Train with bernoulli, gaussian or categorical.",
            parameter="likelihood",
        )
    return p.base_dist.log_prob(x).masked_fill(missing, 0.0).flatten(2).sum(-1)


def check_mask(missing: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask with channels first; DataError unless it has one bool per value."""
    mask = channels_first(as_array(missing, "missing", parameter="missing"), "missing")
    if mask.shape != shape or mask.dtype != bool:
        raise DataError.for_value(
            "missing", f"{mask.dtype} {mask.shape}", f"bool {shape}, one per value"
        )
    return mask
