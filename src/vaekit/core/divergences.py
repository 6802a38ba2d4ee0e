"""KL(q || p) per latent dimension: the closed form where `torch.distributions` has one registered, otherwise from samples.

A new closed form is registered with `torch.distributions.kl.register_kl`, and may keep the dimensions apart, [B, D]; nothing
here changes.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions import kl_divergence as registered_kl

from vaekit.core.distributions import is_deterministic, is_discrete


def closed_form(q: Distribution, p: Distribution) -> Tensor | None:
    """KL(q || p) in nats, [B, D] per latent dimension ([B, 1] where q and p do not factorise); None without a closed form.

    For two normals: 1/2 sum(exp(log_var) + mu^2 - 1 - log_var) against N(0, I).

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
    """log q(z) - log p(z) in nats, [K, B, D] per latent dimension ([K, B, 1] where q and p do not factorise); z [K, B, ...].

    Its mean over samples z ~ q is KL(q || p).
    """
    factors = _factors(q, p)
    if factors:
        return (factors[0].log_prob(z) - factors[1].log_prob(z)).flatten(1 + len(q.batch_shape))
    return (q.log_prob(z) - p.log_prob(z)).unsqueeze(-1)


def has_finite_kl(q: Distribution) -> bool:
    """Whether q has a divergence from a prior at all: all mass on one point of a continuum has none that is finite."""
    return is_discrete(q) or not is_deterministic(q)


def kl_divergence(q: Distribution, p: Distribution, z: Tensor) -> Tensor:
    """KL(q || p) in nats, [B, D], by the closed form, else from the samples z; [B, 0] where there is none that is finite."""
    if not has_finite_kl(q):
        return torch.zeros(*q.batch_shape, 0, dtype=z.dtype, device=z.device)
    divergence = closed_form(q, p)
    return monte_carlo(q, p, z).mean(0) if divergence is None else divergence


def _factors(q: Distribution, p: Distribution) -> tuple[Distribution, Distribution] | None:
    """The distributions of the single dimensions, where both are products over the same ones."""
    if (
        not (isinstance(q, Independent) and isinstance(p, Independent))
        or q.event_shape != p.event_shape
    ):
        return None
    alike = q.reinterpreted_batch_ndims == p.reinterpreted_batch_ndims
    return (q.base_dist, p.base_dist) if alike else None
