"""Missing values from those that are there."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.core.distributions import is_deterministic
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError

START = 100  # draws from the prior, whose mean stands in for what is missing at first


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
    """x [B, *shape] with E[x_m given x_o], the mean of what is `missing`, bool [B, *shape], given the rest, in its place.

        E[x_m given x_o] = sum_z w_z E[x_m given z] / sum_z w_z,   w_z = p(x_o given z) p(z) / q(z given x_o, x_m)

    Pseudo-Gibbs sampling (Rezende et al., 2014), z ~ q(z given x), x_m ~ p(x_m given z), and again, with several z at a time,
    one of which is gone on from by its weight (Rubin, 1987): with one it is exact where q is the true posterior, with many
    wherever q reaches. The result is the mean over the second half of the iterations. Weights over all iterations together would be
    exact in the end, and were ruled by a few z long before.

    iterations: rounds. proposals: draws of z in each; where a posterior is certain there is one.
    Raises ConfigError for a likelihood whose values depend on one another, given z.

    >>> from vaekit import build
    >>> import numpy as np
    >>> model, x = build("mlp", np.zeros((10, 6)), latent_dim=2), torch.zeros(3, 6)
    >>> impute(model, x, x.bool()).equal(x)  # nothing is missing
    True
    """
    first = None if y is None else y[:1].expand(START, *y.shape[1:])
    x = torch.where(missing, model.sample(START, first).mean(0), x)
    mean, rows, kept = (
        torch.zeros_like(x),
        torch.arange(len(x), device=x.device),
        range(iterations // 2, iterations),
    )
    for iteration in range(iterations):
        q = model.encode(x, y)
        z = q.sample((1 if is_deterministic(q) else proposals,))
        p = model.decode(z, y)
        log_weight = _log_likelihood(p, x, missing)
        if len(z) > 1:
            log_weight = log_weight + model.prior_distribution(y).log_prob(z) - q.log_prob(z)
        weight = log_weight.softmax(0)
        chosen = z[torch.multinomial(weight.T, 1)[:, 0], rows]
        x = torch.where(missing, model.decode(chosen, y).sample().to(x), x)
        if iteration in kept:
            mean += (weight.reshape(*weight.shape, *[1] * (x.dim() - 1)) * p.mean).sum(0) / len(
                kept
            )
    return torch.where(missing, mean, x)


def _log_likelihood(p: Distribution, x: Tensor, missing: Tensor) -> Tensor:
    """log p(x_o given z), [K, B]."""
    if not isinstance(p, Independent) or p.reinterpreted_batch_ndims != x.dim() - 1:
        raise ConfigError(
            "this likelihood ties values to one another: impute with bernoulli, gaussian or categorical"
        )
    return p.base_dist.log_prob(x).masked_fill(missing, 0.0).flatten(2).sum(-1)
