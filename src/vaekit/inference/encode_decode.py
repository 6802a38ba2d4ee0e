"""Encode examples, decode latent codes and sample the prior, batch by batch in bounded memory."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.distributions import point_estimate
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.inference.bounds import sample_posterior
from vaekit.inference.finite import check_finite, sampling_errors
from vaekit.inputs import ModelInputs, concat_batches, max_batch_examples, values_per_example
from vaekit.runtime.seeding import seeded_noise

LatentSampler = Callable[[int, Tensor | None], Tensor]
"""Latent codes [N, L] from a count and, of conditional models, class numbers [N]."""


class LatentCodes(NamedTuple):
    """Parameters of q(z|x) for N examples.

    Attributes:
        mean: Posterior means [N, L]; of a discrete z the mode.
        stddev: Posterior standard deviations [N, L].
        indices: Codebook entries [N, M] of a discrete z, else None.
    """

    mean: np.ndarray
    stddev: np.ndarray
    indices: np.ndarray | None = None


def encode(model: VAE, inputs: ModelInputs) -> LatentCodes:
    """Encode all examples."""
    return LatentCodes(*concat_codes(iter_encode(model, inputs), len(inputs)))


def iter_encode(model: VAE, inputs: ModelInputs) -> Iterator[LatentCodes]:
    """Encode examples and yield their codes batch by batch."""
    codebook = model.codebook
    for x, y in inputs.batches(model):
        with torch.no_grad(), eval_mode(model):
            q = model.encode(x, y)
            z = check_finite(point_estimate(q), "latent codes")
            check_finite(q.stddev, "latent codes")
            indices = None if codebook is None else codebook.indices(z).numpy(force=True)
            mean = z.flatten(1).numpy(force=True)
            stddev = q.stddev.flatten(1).numpy(force=True)
        yield LatentCodes(mean, stddev, indices)


def encode_samples(model: VAE, inputs: ModelInputs, *, seed: int = 0) -> Tensor:
    """One sample z ~ q(z|x) per example, [N, L], on the CPU."""
    batches = []
    for step, (x, y) in enumerate(inputs.batches(model)):
        with (
            torch.no_grad(),
            eval_mode(model),
            seeded_noise(seed, step),
            torch.autocast(x.device.type, enabled=False),
        ):
            z = check_finite(sample_posterior(model.encode(x, y), 1)[0], "latent codes")
        batches.append(z.flatten(1).cpu())
    return torch.cat(batches)


def concat_codes(batches: Iterator[LatentCodes], count: int) -> tuple[np.ndarray, ...]:
    """The fields of consecutive batches of codes, each as one array."""
    tensors = (tuple(torch.from_numpy(part) for part in b if part is not None) for b in batches)
    return tuple(field.numpy() for field in concat_batches(tensors, count))


def decode_means(model: VAE, z: Tensor, y: Tensor | None = None) -> Tensor:
    """The means of p(x|z) for z [N, *latent shape]: [N, *shape], on the CPU."""
    return concat_batches(((x,) for x in iter_decode_means(model, z, y)), len(z))[0]


def iter_decode_means(model: VAE, z: Tensor, y: Tensor | None = None) -> Iterator[Tensor]:
    """The means of p(x|z), batch by batch."""
    return (p.mean for p in _iter_decode(model, z, y))


def iter_decode_samples(
    model: VAE, z: Tensor, y: Tensor | None = None, *, seed: int = 0
) -> Iterator[Tensor]:
    """Samples of p(x|z), batch by batch."""
    for step, p in enumerate(_iter_decode(model, z, y), 1):
        with seeded_noise(seed, step), sampling_errors("p(x|z)"):
            x = p.sample()
        yield x


@torch.no_grad()
def sample_prior(model: VAE, count: int, y: Tensor | None = None) -> Tensor:
    """Samples z ~ p(z), or one z ~ p(z|y) for each y: [count, *latent shape], on the CPU."""
    size = max_batch_examples(values_per_example(model))
    starts = range(0, count, size)
    with eval_mode(model), sampling_errors("the prior"):
        batches = (
            (model.sample_prior(min(size, count - i), None if y is None else y[i : i + size]),)
            for i in starts
        )
        return concat_batches(batches, count)[0]


def sample_means(model: VAE, count: int, y: Tensor | None = None) -> Tensor:
    """The means of p(x|z) for samples z ~ p(z): [count, *shape], on the CPU."""
    return decode_means(model, sample_prior(model, count, y), y)


def _iter_decode(model: VAE, z: Tensor, y: Tensor | None) -> Iterator[Distribution]:
    """p(x|z), batch by batch."""
    anchor = next(model.parameters())
    size = max_batch_examples(values_per_example(model))
    labels = [None] * len(z) if y is None else y.to(anchor.device).split(size)
    for part, label in zip(z.split(size), labels, strict=y is not None):
        with eval_mode(model), torch.no_grad():
            p = model.decode(part.to(anchor), label)
            check_finite(p.mean, "decoded values")
        yield p
