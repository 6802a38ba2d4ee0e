"""KL(q || p) per latent dimension: in closed form if one is registered, else from samples.

`torch.distributions.kl.register_kl` registers further closed forms. They may keep the dimensions
separate, [B, D].
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions import kl_divergence as registered_kl

from vaekit.core.distributions import is_deterministic, is_discrete


def closed_form(q: Distribution, p: Distribution) -> Tensor | None:
    """KL(q || p) in closed form, or None if no closed form is known.

    For two normals it is 1/2 sum(exp(log_var) + mu^2 - 1 - log_var) against N(0, I).

    Args:
        q: A distribution of batch shape [B].
        p: A distribution whose batch shape broadcasts with that of q.

    Returns:
        Nats per latent dimension, [B, D], or [B, 1] if q and p are not products.

    >>> import torch; from torch.distributions import Normal
    >>> q = Independent(Normal(torch.zeros(1, 2), torch.ones(1, 2)), 1)
    >>> closed_form(q, Independent(Normal(torch.tensor([0.0, 2.0]), torch.ones(2)), 1))
    tensor([[0., 2.]])
    """
    factors = _factors(q, p)
    try:
        divergence = registered_kl(*(factors or (q, p)))
    except NotImplementedError:
        return None
    batch = len(q.batch_shape)
    return divergence.flatten(batch) if divergence.dim() > batch else divergence.unsqueeze(-1)


def monte_carlo(q: Distribution, p: Distribution, z: Tensor) -> Tensor:
    """log q(z) - log p(z) of samples z ~ q, whose mean over samples is KL(q || p).

    Args:
        q: A distribution of batch shape [B].
        p: A distribution whose batch shape broadcasts with that of q.
        z: Samples [K, B, *latent shape].

    Returns:
        Nats per latent dimension, [K, B, D], or [K, B, 1] if q and p are not products.
    """
    factors = _factors(q, p)
    if factors:
        return (factors[0].log_prob(z) - factors[1].log_prob(z)).flatten(1 + len(q.batch_shape))
    return (q.log_prob(z) - p.log_prob(z)).unsqueeze(-1)


def has_finite_kl(q: Distribution) -> bool:
    """Whether KL(q || p) can be finite: for all mass on one point of a continuum it is not."""
    return is_discrete(q) or not is_deterministic(q)


def kl_divergence(q: Distribution, p: Distribution, z: Tensor) -> Tensor:
    """KL(q || p) in nats, [B, D]: in closed form if one is known, else from the samples z.

    The result is [B, 0] if the divergence is infinite.
    """
    if not has_finite_kl(q):
        return torch.zeros(*q.batch_shape, 0, dtype=z.dtype, device=z.device)
    divergence = closed_form(q, p)
    return monte_carlo(q, p, z).mean(0) if divergence is None else divergence


def _factors(q: Distribution, p: Distribution) -> tuple[Distribution, Distribution] | None:
    """The distributions of single dimensions, if q and p are products over the same ones."""
    if not (isinstance(q, Independent) and isinstance(p, Independent)):
        return None
    if q.event_shape != p.event_shape:
        return None
    if q.reinterpreted_batch_ndims != p.reinterpreted_batch_ndims:
        return None
    return q.base_dist, p.base_dist
