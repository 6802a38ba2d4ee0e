"""Missing values from those that are there."""

import torch
from torch import Tensor
from torch.distributions import Independent

from vaekit.errors import ConfigError
from vaekit.model import VAE

START = 100  # draws from the prior, whose mean stands in for what is missing at first


@torch.no_grad()
def impute(model: VAE, x: Tensor, missing: Tensor, y: Tensor | None = None, *, sweeps: int = 100) -> Tensor:
    """x [B, *shape] with E[x_m given x_o], the mean of what is `missing`, bool [B, *shape], given the rest, in its place.

    Pseudo-Gibbs sampling (Rezende et al., 2014): z ~ q(z given x), x_m ~ p(x_m given z), and again; the mean is that of
    E[x_m given z] over the second half of the sweeps. It is exact where q is the true posterior. Taking a new z by Metropolis'
    rule only (Mattei & Frellsen, 2018) would be exact anywhere in the end, and was worse on MNIST: one z in twenty was taken.

    sweeps: rounds of both steps.
    Raises ConfigError for a likelihood whose values depend on one another, given z.

    >>> from vaekit import build
    >>> import numpy as np
    >>> model, x = build("mlp", np.zeros((10, 6)), latent_dim=2), torch.zeros(3, 6)
    >>> impute(model, x, x.bool()).equal(x)  # nothing is missing
    True
    """
    first = None if y is None else y[:1].expand(START, *y.shape[1:])
    x = torch.where(missing, model.sample(START, first).mean(0), x)
    total, kept = torch.zeros_like(x), range(sweeps // 2, sweeps)
    for sweep in range(sweeps):
        p = model.decode(model.encode(x, y).sample(), y)
        if not isinstance(p, Independent) or p.reinterpreted_batch_ndims != x.dim() - 1:
            raise ConfigError("this likelihood ties values to one another: impute with bernoulli, gaussian or categorical")
        x = torch.where(missing, p.sample().to(x), x)
        if sweep in kept:
            total += p.mean / len(kept)
    return torch.where(missing, total, x)
