"""The latent space: information in codes, and how well the prior covers them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.distributions import point_estimate
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.evaluation.metric import Metric
from vaekit.inference.bounds import sample_posterior
from vaekit.inputs import MAX_VALUES, ModelInputs
from vaekit.runtime.seeding import seeded_noise

ACTIVE_VARIANCE = 0.01
"""Variance of posterior means above which a dimension is active (Burda et al., 2016)."""
HOLE_QUANTILE = 0.99
"""Quantile of distances between codes beyond which a prior sample is in a hole."""


class EncodedExamples(NamedTuple):
    """The codes of N examples.

    Attributes:
        posteriors: q(z|x), batch by batch.
        points: Point estimates [N, L], on the CPU.
        draws: One sample of each q(z|x), [N, L], on the CPU.
    """

    posteriors: list[Distribution]
    points: Tensor
    draws: Tensor


class AggregatePosterior(NamedTuple):
    """The aggregate posterior q(z), the mean of all q(z|x).

    E KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || p(z)), in nats.

    Attributes:
        mutual_information: I(x; z), at most log N for N examples.
        marginal_kl: KL(q(z) || p(z)).
    """

    mutual_information: Metric
    marginal_kl: Metric


@torch.no_grad()
def encode_all(model: VAE, inputs: ModelInputs, *, seed: int = 0) -> EncodedExamples:
    """Encode all examples in memory, and draw one sample of each posterior.

    Args:
        model: The model.
        inputs: N examples.
        seed: Seed of the samples.

    >>> encode_all(run.model, run.inputs(images)).points.shape
    torch.Size([60, 2])
    """
    posteriors = []
    points = []
    draws = []
    for step, (x, y) in enumerate(inputs.batches(model)):
        with (
            eval_mode(model),
            seeded_noise(seed, step),
            torch.autocast(x.device.type, enabled=False),
        ):
            q = model.encode(x, y)
            z = sample_posterior(q, 1)[0]
        posteriors.append(q)
        points.append(point_estimate(q).flatten(1).cpu())
        draws.append(z.flatten(1).cpu())
    return EncodedExamples(posteriors, torch.cat(points), torch.cat(draws))


def latent_activity(codes: EncodedExamples) -> Tensor:
    """Var_x(E[z|x]) of each latent dimension, [L]; above 0.01 a dimension is called active.

    References:
        Burda et al., 2016.

    >>> latent_activity(encode_all(run.model, run.inputs(images))).shape
    torch.Size([2])
    """
    return codes.points.var(0, correction=0)


@torch.no_grad()
def aggregate_posterior(model: VAE, codes: EncodedExamples) -> AggregatePosterior:
    """Estimate I(x; z) and KL(q(z) || p(z)) from one sample z ~ q(z|x) per example.

    I(x; z) = E[log q(z|x) - log q(z)],   KL(q(z) || p(z)) = E[log q(z) - log p(z)]

    q(z) is the mean over the same examples, which include the example that z was sampled for.

    Args:
        model: The model.
        codes: What `encode_all` returned.

    References:
        Hoffman & Johnson, 2016.

    >>> codes = encode_all(run.model, run.inputs(images))
    >>> aggregate_posterior(run.model, codes).mutual_information.value <= math.log(60)
    True
    """
    p = model.prior_distribution(model.dummy_condition(1))
    parameter = next(model.parameters())
    log_posteriors = []
    log_aggregates = []
    log_priors = []
    start = 0
    for q in codes.posteriors:
        count = q.batch_shape[0]
        z = codes.draws[start : start + count].reshape(count, *q.event_shape).to(parameter)
        log_posteriors.append(q.log_prob(z).cpu())
        log_aggregates.append(torch.cat(list(_iter_log_aggregate(codes.posteriors, z))).cpu())
        log_priors.append(p.log_prob(z).cpu())
        start += count
    log_posterior = torch.cat(log_posteriors).double()
    log_aggregate = torch.cat(log_aggregates).double()
    log_prior = torch.cat(log_priors).double()
    return AggregatePosterior(
        mutual_information=Metric.mean_of(log_posterior - log_aggregate),
        marginal_kl=Metric.mean_of(log_aggregate - log_prior),
    )


def _iter_log_aggregate(posteriors: list[Distribution], z: Tensor) -> Iterator[Tensor]:
    """log q(z) = log 1/N sum_n q(z|x_n), chunk by chunk of z [M, ...]."""
    examples = sum(q.batch_shape[0] for q in posteriors)
    largest = max(q.batch_shape[0] for q in posteriors)
    size = max(1, 4 * MAX_VALUES // (largest * z[0].numel()))
    for chunk in z.split(size):
        log_sums = [q.log_prob(chunk[:, None]).double().logsumexp(1) for q in posteriors]
        yield torch.stack(log_sums).logsumexp(0) - math.log(examples)


@torch.no_grad()
def prior_holes(model: VAE, codes: EncodedExamples, *, seed: int = 0) -> float:
    """The fraction of prior samples far from every code.

    Far means farther than 99 % of codes are from their nearest neighbor: if codes were
    distributed as the prior, the fraction would be 0.01. Distances are Euclidean, in units of each
    dimension's standard deviation in the prior.

    Args:
        model: The model.
        codes: What `encode_all` returned.
        seed: Seed of the prior samples.

    >>> 0 <= prior_holes(run.model, encode_all(run.model, run.inputs(images))) <= 1
    True
    """
    count = len(codes.draws)
    with seeded_noise(seed):
        samples = model.sample_prior(count, model.dummy_condition(count)).flatten(1).cpu()
    scale = samples.std(0).clamp(min=1e-12)
    scaled = codes.draws / scale
    limit = _nearest_distance(scaled, scaled, skip_self=True).quantile(HOLE_QUANTILE)
    is_far = _nearest_distance(samples / scale, scaled) > limit
    return is_far.double().mean().item()


def _nearest_distance(x: Tensor, others: Tensor, *, skip_self: bool = False) -> Tensor:
    """The distance of each x [N, L] to the nearest of others [M, L], chunk by chunk: [N]."""
    nearest = []
    size = max(1, 4 * MAX_VALUES // len(others))
    for start in range(0, len(x), size):
        distances = torch.cdist(x[start : start + size], others)
        if skip_self:
            positions = torch.arange(len(distances))
            distances[positions, positions + start] = math.inf
        nearest.append(distances.min(1).values)
    return torch.cat(nearest)
