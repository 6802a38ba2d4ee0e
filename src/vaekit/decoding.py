"""From codes to data and from the prior to codes, some rows at a time, within a bound on memory."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.inputs import joined, rows_at_once, values_per_row
from vaekit.model import VAE, evaluating
from vaekit.noise import noise


def decode_means(model: VAE, z: Tensor, y: Tensor | None = None) -> Tensor:
    """The means of p(x given z) for z [N, *latent shape], [N, *shape], on the CPU."""
    return joined(((x,) for x in means_by_part(model, z, y)), len(z))[0]


def means_by_part(model: VAE, z: Tensor, y: Tensor | None = None) -> Iterator[Tensor]:
    """The same some rows at a time, for what is to go elsewhere than into memory."""
    return (p.mean for p in _decoded(model, z, y))


def draws_by_part(model: VAE, z: Tensor, y: Tensor | None = None, *, seed: int = 0) -> Iterator[Tensor]:
    """Draws from p(x given z), as `means_by_part` gives its means."""
    for step, p in enumerate(_decoded(model, z, y), 1):
        with noise(seed, step):
            x = p.sample()
        yield x


@torch.no_grad()
def draw_codes(model: VAE, count: int, y: Tensor | None = None) -> Tensor:
    """`count` draws z ~ p(z), or one for each y, [count, *latent shape], on the CPU."""
    size = rows_at_once(values_per_row(model))
    starts = range(0, count, size)
    with evaluating(model):
        parts = ((model.draw(min(size, count - i), None if y is None else y[i : i + size]),) for i in starts)
        return joined(parts, count)[0]


def _decoded(model: VAE, z: Tensor, y: Tensor | None) -> Iterator[Distribution]:
    """p(x given z), part by part."""
    like, size = next(model.parameters()), rows_at_once(values_per_row(model))
    labels = [None] * len(z) if y is None else y.to(like.device).split(size)
    for part, label in zip(z.split(size), labels, strict=y is not None):
        with evaluating(model), torch.no_grad():
            p = model.decode(part.to(like), label)
        yield p


def sample_means(model: VAE, count: int, y: Tensor | None = None) -> Tensor:
    """The means of p(x given z) for `count` draws z ~ p(z), as `model.sample` gives them, [count, *shape], on the CPU."""
    return decode_means(model, draw_codes(model, count, y), y)
