"""The latent space: what z says about x, and whether the prior knows where the codes are."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.distributions import point_estimate
from vaekit.core.vae import VAE, eval_mode
from vaekit.evaluation.metric import Metric
from vaekit.inference.bounds import draw_samples
from vaekit.inputs import MAX_VALUES, ModelInputs
from vaekit.runtime.seeding import seeded_noise

ACTIVE = 0.01
FAR = 0.99


class EncodedExamples(NamedTuple):
    """Of N rows: the posteriors in batches, their points and one draw of each [N, L], both on the CPU."""

    posteriors: list[Distribution]
    points: Tensor
    draws: Tensor


class AggregatePosterior(NamedTuple):
    """E KL(q(z given x) || p(z)) = I(x; z) + KL(q(z) || p(z)), in nats, q(z) being the mean of all posteriors.

    mutual_information: I(x; z), of which N rows can show log N at most. marginal_kl: KL(q(z) || p(z)).
    """

    mutual_information: Metric
    marginal_kl: Metric


@torch.no_grad()
def encode_all(model: VAE, rows: ModelInputs, *, seed: int = 0) -> EncodedExamples:
    """The codes of all rows, in memory."""
    posteriors, points, draws = [], [], []
    for step, (x, y) in enumerate(rows.batches(model)):
        with (
            eval_mode(model),
            seeded_noise(seed, step),
            torch.autocast(x.device.type, enabled=False),
        ):
            q = model.encode(x, y)
            z = draw_samples(q, 1)[0]
        posteriors.append(q)
        points.append(point_estimate(q).flatten(1).cpu())
        draws.append(z.flatten(1).cpu())
    return EncodedExamples(posteriors, torch.cat(points), torch.cat(draws))


def latent_activity(codes: EncodedExamples) -> Tensor:
    """Var_x(E[z given x]) of each latent dimension [L]; one above 0.01 is called active (Burda et al., 2016)."""
    return codes.points.var(0, correction=0)


@torch.no_grad()
def aggregate_posterior(model: VAE, codes: EncodedExamples) -> AggregatePosterior:
    """What z says about x, and how far codes together are from the prior (Hoffman & Johnson, 2016).

    I(x; z) = E[log q(z given x) - log q(z)],   KL(q(z) || p(z)) = E[log q(z) - log p(z)],   z ~ q(z given x)

    One draw of z a row, and q(z) from the same rows, each of which is one of its own neighbours.
    """
    own, together, prior = [], [], []
    p, start, like = model.prior_distribution(model.dummy_condition(1)), 0, next(model.parameters())
    for q in codes.posteriors:
        count = q.batch_shape[0]
        z = codes.draws[start : start + count].reshape(count, *q.event_shape).to(like)
        own.append(q.log_prob(z).cpu())
        together.append(torch.cat(list(_log_mixture(codes.posteriors, z))).cpu())
        prior.append(p.log_prob(z).cpu())
        start += count
    q_given_x, q, p_z = (torch.cat(parts).double() for parts in (own, together, prior))
    return AggregatePosterior(Metric.mean_of(q_given_x - q), Metric.mean_of(q - p_z))


def _log_mixture(posteriors: list[Distribution], z: Tensor) -> Iterator[Tensor]:
    """log q(z) = log 1/N sum_n q(z given x_n), some of z [M, ...] at a time."""
    rows = sum(q.batch_shape[0] for q in posteriors)
    largest = max(q.batch_shape[0] for q in posteriors)
    for part in z.split(max(1, 4 * MAX_VALUES // (largest * z[0].numel()))):
        each = torch.stack([q.log_prob(part[:, None]).double().logsumexp(1) for q in posteriors])
        yield each.logsumexp(0) - math.log(rows)


@torch.no_grad()
def prior_holes(model: VAE, codes: EncodedExamples, *, seed: int = 0) -> float:
    """The share of draws from the prior that are far from every code.

    Far is what one code in a hundred is from all others: were codes distributed as the prior, the share would be 0.01.
    Distances are Euclidean, in units of each dimension's standard deviation in the prior.
    """
    with seeded_noise(seed):
        drawn = (
            model.sample_prior(len(codes.draws), model.dummy_condition(len(codes.draws)))
            .flatten(1)
            .cpu()
        )
    scale = drawn.std(0).clamp(min=1e-12)
    known = codes.draws / scale
    limit = _nearest(known, known, skip_self=True).quantile(FAR)
    return (_nearest(drawn / scale, known) > limit).double().mean().item()


def _nearest(x: Tensor, among: Tensor, *, skip_self: bool = False) -> Tensor:
    """The distance of each row of x to the nearest of others."""
    found = []
    size = max(1, 4 * MAX_VALUES // len(among))
    for start in range(0, len(x), size):
        distances = torch.cdist(x[start : start + size], among)
        if skip_self:
            rows = torch.arange(len(distances))
            distances[rows, rows + start] = math.inf
        found.append(distances.min(1).values)
    return torch.cat(found)
