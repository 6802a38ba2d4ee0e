"""Bounds of log p(x) per example, in bounded memory: the ELBO and the importance-weighted bound."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import divergences
from vaekit.core.distributions import is_deterministic
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.inputs import (
    MAX_VALUES,
    ModelInputs,
    concat_batches,
    max_batch_examples,
    values_per_example,
)
from vaekit.runtime.distributed import ProcessInfo
from vaekit.runtime.seeding import seeded_noise

MAX_BATCH_SAMPLES = 50
"""Samples of z per example that the batch size allows for; more are computed in chunks."""


class ExampleTerms(NamedTuple):
    """The terms of the negative ELBO per example, in nats.

    Attributes:
        reconstruction: -E[log p(x|z)], [N].
        divergence: KL(q(z|x) || p(z)) per latent dimension, [N, D]; [N, 0] if it is not finite.
    """

    reconstruction: Tensor
    divergence: Tensor

    @property
    def loss(self) -> Tensor:
        """The negative ELBO, [N]."""
        return self.reconstruction + self.divergence.sum(-1)


def sample_posterior(q: Distribution, samples: int) -> Tensor:
    """Samples [K, ...] of q, by reparameterization if q supports it.

    Reparameterized samples pass NaN on, which a later check names, instead of raising.
    """
    return q.rsample((samples,)) if q.has_rsample else q.sample((samples,))


@torch.no_grad()
def elbo_per_example(
    model: VAE, inputs: ModelInputs, *, seed: int = 0, samples: int = 1
) -> ExampleTerms:
    """The negative ELBO with beta = 1 and no free bits, in full precision.

    The divergence is exact if a closed form is known, otherwise estimated from the same samples.

    Args:
        model: The model.
        inputs: N examples.
        seed: Seed of the noise.
        samples: Samples of z per example.

    >>> elbo_per_example(run.model, run.inputs(images)).loss.shape
    torch.Size([60])
    """
    batches = _iter_terms(model, inputs, seed, samples, ProcessInfo())
    return ExampleTerms(*concat_batches(batches, len(inputs)))


@torch.no_grad()
def elbo_sums(model: VAE, inputs: ModelInputs, process: ProcessInfo, *, seed: int = 0) -> Tensor:
    """Sums of loss, reconstruction and divergence over one process's batches, and their count, [4].

    Added over all processes they are equal for any number of processes, up to float64 rounding.
    """
    sums = torch.zeros(4, dtype=torch.float64)
    for batch in _iter_terms(model, inputs, seed, 1, process):
        terms = (batch.loss, batch.reconstruction, batch.divergence)
        totals = [term.sum().item() for term in terms]
        sums += torch.tensor([*totals, len(batch.loss)], dtype=torch.float64)
    return sums


def bound_sums(
    model: VAE, inputs: ModelInputs, process: ProcessInfo, *, samples: int, seed: int = 0
) -> Tensor:
    """`elbo_sums` with the sum of the negative importance-weighted bound before the count, [5]."""
    bounds = torch.zeros((), dtype=torch.float64)
    for (bound,) in _iter_bounds(model, inputs, samples, seed, process):
        bounds = bounds + bound.sum()
    sums = elbo_sums(model, inputs, process, seed=seed)
    return torch.stack([*sums[:3], -bounds, sums[3]])


@torch.no_grad()
def importance_weighted_bound(
    model: VAE, inputs: ModelInputs, samples: int, *, seed: int = 0
) -> Tensor:
    """log 1/K sum_k p(x, z_k) / q(z_k|x), z_k ~ q(z|x), in nats: [N].

    In expectation a lower bound of log p(x), which rises with K. The encoder runs once per example;
    samples are computed in chunks.

    Args:
        model: The model.
        inputs: N examples.
        samples: K.
        seed: Seed of the noise.

    References:
        Burda et al., 2016.

    >>> importance_weighted_bound(run.model, run.inputs(images), samples=5).shape
    torch.Size([60])
    """
    batches = _iter_bounds(model, inputs, samples, seed, ProcessInfo())
    return concat_batches(batches, len(inputs))[0]


def _iter_terms(
    model: VAE, inputs: ModelInputs, seed: int, samples: int, process: ProcessInfo
) -> Iterator[ExampleTerms]:
    """Terms batch by batch; the noise of a batch does not depend on the process that has it."""
    for i, (x, y) in enumerate(inputs.batches(model, process=process)):
        batch_number = process.rank + i * process.world_size
        with (
            eval_mode(model),
            seeded_noise(seed, batch_number),
            torch.autocast(x.device.type, enabled=False),
        ):
            q = model.encode(x, y)
            z = sample_posterior(q, samples)
            divergence = divergences.kl_divergence(q, model.prior_distribution(y), z)
            reconstruction = -model.decode(z, y).log_prob(x).mean(0)
        yield ExampleTerms(reconstruction.cpu().double(), divergence.cpu().double())


@torch.no_grad()
def _iter_bounds(
    model: VAE, inputs: ModelInputs, samples: int, seed: int, process: ProcessInfo
) -> Iterator[tuple[Tensor]]:
    """Bounds batch by batch, and within a batch samples chunk by chunk."""
    values = values_per_example(model)
    size = max_batch_examples(values, min(samples, MAX_BATCH_SAMPLES))
    chunk = max(1, MAX_VALUES // (values * size))
    for i, (x, y) in enumerate(inputs.batches(model, size, process)):
        batch_number = process.rank + i * process.world_size
        with (
            eval_mode(model),
            seeded_noise(seed, batch_number),
            torch.autocast(x.device.type, enabled=False),
        ):
            q = model.encode(x, y)
            total = torch.full((len(x),), -math.inf, dtype=torch.float64)
            count = 1 if is_deterministic(q) else samples  # equal samples equal their mean
            for start in range(0, count, chunk):
                z = sample_posterior(q, min(chunk, count - start))
                log_weight = (model.log_joint(x, z, y) - q.log_prob(z)).cpu().double()
                total = torch.logaddexp(total, log_weight.logsumexp(0))
        yield (total - math.log(count),)
