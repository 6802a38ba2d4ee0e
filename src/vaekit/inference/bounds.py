"""The evidence lower bound and the importance-weighted bound, row by row, within a bound on memory."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core import divergences
from vaekit.core.distributions import is_deterministic
from vaekit.core.vae import VAE, eval_mode
from vaekit.inputs import (
    MAX_VALUES,
    ModelInputs,
    concat_batches,
    max_batch_examples,
    values_per_example,
)
from vaekit.runtime.distributed import ProcessInfo
from vaekit.runtime.seeding import seeded_noise


class Estimate(NamedTuple):
    """A mean over rows and its standard error, which a single row does not have."""

    value: float
    standard_error: float | None

    @classmethod
    def of(cls, values: Tensor) -> "Estimate":
        n = len(values)
        return cls(values.mean().item(), (values.std() / math.sqrt(n)).item() if n > 1 else None)


class ExampleTerms(NamedTuple):
    """The terms of the negative ELBO in nats: reconstruction [N], divergence per latent dimension [N, D]."""

    reconstruction: Tensor
    divergence: Tensor

    @property
    def loss(self) -> Tensor:
        """The negative ELBO [N]."""
        return self.reconstruction + self.divergence.sum(-1)


def draw_samples(q: Distribution, samples: int) -> Tensor:
    """Samples [K, ...] of q; where q can, by reparameterization, which lets NaN through to be named instead of raising."""
    return q.rsample((samples,)) if q.has_rsample else q.sample((samples,))


@torch.no_grad()
def elbo_per_example(
    model: VAE, rows: ModelInputs, *, seed: int = 0, samples: int = 1
) -> ExampleTerms:
    """The negative ELBO, beta = 1 and no free bits, in full precision, whatever the model was trained with.

    The divergence is exact where a closed form is known, else from the same samples; a deterministic posterior has none,
    [N, 0]. Equal seeds draw equal noise.
    """
    return ExampleTerms(
        *concat_batches(_elbo_parts(model, rows, seed, samples, ProcessInfo()), len(rows))
    )


@torch.no_grad()
def elbo_sums(model: VAE, rows: ModelInputs, process: ProcessInfo, *, seed: int = 0) -> Tensor:
    """The sums of loss, reconstruction and divergence over one process's process of the rows, and how many these are, [4].

    Summed over all processes it is the same for any number of them, but for rounding in float64.
    """
    sums = torch.zeros(4, dtype=torch.float64)
    for part in _elbo_parts(model, rows, seed, 1, process):
        terms = (part.loss, part.reconstruction, part.divergence)
        sums += torch.tensor(
            [*(term.sum().item() for term in terms), len(part.loss)], dtype=torch.float64
        )
    return sums


def bound_sums(
    model: VAE, rows: ModelInputs, process: ProcessInfo, *, samples: int, seed: int = 0
) -> Tensor:
    """The same four, and before the number of rows the sum of the negative importance-weighted bound, [5]."""
    bounds = sum(
        (bound.sum() for (bound,) in _bounds(model, rows, samples, seed, process)),
        torch.zeros((), dtype=torch.float64),
    )
    sums = elbo_sums(model, rows, process, seed=seed)
    return torch.stack([*sums[:3], -bounds, sums[3]])


def _elbo_parts(
    model: VAE, rows: ModelInputs, seed: int, samples: int, process: ProcessInfo
) -> Iterator[ExampleTerms]:
    """Some rows at a time, each time with noise of their own, whichever process has them."""
    for i, (x, y) in enumerate(rows.batches(model, process=process)):
        step = process.rank + i * process.world_size
        with (
            eval_mode(model),
            seeded_noise(seed, step),
            torch.autocast(x.device.type, enabled=False),
        ):
            q = model.encode(x, y)
            z = draw_samples(q, samples)
            divergence = divergences.kl_divergence(q, model.prior_distribution(y), z)
            yield ExampleTerms(
                -model.decode(z, y).log_prob(x).mean(0).cpu().double(), divergence.cpu().double()
            )


@torch.no_grad()
def importance_weighted_bound(
    model: VAE, rows: ModelInputs, samples: int, *, seed: int = 0
) -> Tensor:
    """log 1/K sum_k p(x, z_k) / q(z_k given x), z_k ~ q(z given x), in nats, [N]; K = `samples` (Burda et al., 2016).

    A lower bound of log p(x) in expectation, which rises with K. The encoder runs once per row; samples are summed in chunks.
    """
    return concat_batches(_bounds(model, rows, samples, seed, ProcessInfo()), len(rows))[0]


@torch.no_grad()
def _bounds(
    model: VAE, rows: ModelInputs, samples: int, seed: int, process: ProcessInfo
) -> Iterator[tuple[Tensor]]:
    """Some rows at a time, and of these some samples at a time."""
    values = values_per_example(model)
    size = max_batch_examples(values, min(samples, 50))
    chunk = max(1, MAX_VALUES // (values * size))
    for i, (x, y) in enumerate(rows.batches(model, size, process)):
        step = process.rank + i * process.world_size
        with (
            eval_mode(model),
            seeded_noise(seed, step),
            torch.autocast(x.device.type, enabled=False),
        ):
            q = model.encode(x, y)
            total = torch.full((len(x),), -math.inf, dtype=torch.float64)
            count = (
                1 if is_deterministic(q) else samples
            )  # where all samples are one, so is their mean
            for start in range(0, count, chunk):
                z = draw_samples(q, min(chunk, count - start))
                log_weight = (model.log_joint(x, z, y) - q.log_prob(z)).cpu().double()
                total = torch.logaddexp(total, log_weight.logsumexp(0))
            yield (total - math.log(count),)
