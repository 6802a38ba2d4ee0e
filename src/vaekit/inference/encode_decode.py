"""From codes to data and from the prior to codes, some rows at a time, within a bound on memory."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.vae import VAE, eval_mode
from vaekit.inputs import concat_batches, max_batch_examples, values_per_example
from vaekit.runtime.seeding import seeded_noise


def decode_means(model: VAE, z: Tensor, y: Tensor | None = None) -> Tensor:
    """The means of p(x given z) for z [N, *latent shape], [N, *shape], on the CPU."""
    return concat_batches(((x,) for x in iter_decode_means(model, z, y)), len(z))[0]


def iter_decode_means(model: VAE, z: Tensor, y: Tensor | None = None) -> Iterator[Tensor]:
    """The same some rows at a time, for what is to go elsewhere than into memory."""
    return (p.mean for p in _decoded(model, z, y))


def iter_decode_samples(
    model: VAE, z: Tensor, y: Tensor | None = None, *, seed: int = 0
) -> Iterator[Tensor]:
    """Draws from p(x given z), as `iter_decode_means` gives its means."""
    for step, p in enumerate(_decoded(model, z, y), 1):
        with seeded_noise(seed, step):
            x = p.sample()
        yield x


@torch.no_grad()
def sample_prior(model: VAE, count: int, y: Tensor | None = None) -> Tensor:
    """`count` draws z ~ p(z), or one for each y, [count, *latent shape], on the CPU."""
    size = max_batch_examples(values_per_example(model))
    starts = range(0, count, size)
    with eval_mode(model):
        parts = (
            (model.sample_prior(min(size, count - i), None if y is None else y[i : i + size]),)
            for i in starts
        )
        return concat_batches(parts, count)[0]


def _decoded(model: VAE, z: Tensor, y: Tensor | None) -> Iterator[Distribution]:
    """p(x given z), part by part."""
    like, size = next(model.parameters()), max_batch_examples(values_per_example(model))
    labels = [None] * len(z) if y is None else y.to(like.device).split(size)
    for part, label in zip(z.split(size), labels, strict=y is not None):
        with eval_mode(model), torch.no_grad():
            p = model.decode(part.to(like), label)
        yield p


def sample_means(model: VAE, count: int, y: Tensor | None = None) -> Tensor:
    """The means of p(x given z) for `count` draws z ~ p(z), as `model.sample` gives them, [count, *shape], on the CPU."""
    return decode_means(model, sample_prior(model, count, y), y)
