"""From codes to data and from the prior to codes, some rows at a time, within a bound on memory."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.inputs import rows_at_once, values_per_row
from vaekit.model import VAE, evaluating


@torch.no_grad()
def decode_means(model: VAE, z: Tensor, y: Tensor | None = None) -> Tensor:
    """The means of p(x given z) for z [N, *latent shape], [N, *shape], on the CPU."""
    return torch.cat([p.mean.cpu() for p in _decoded(model, z, y)])


@torch.no_grad()
def draw_values(model: VAE, z: Tensor, y: Tensor | None = None) -> Tensor:
    """Draws from p(x given z), as `decode_means` gives its means."""
    return torch.cat([p.sample().cpu() for p in _decoded(model, z, y)])


@torch.no_grad()
def draw_codes(model: VAE, count: int, y: Tensor | None = None) -> Tensor:
    """`count` draws z ~ p(z), or one for each y, [count, *latent shape], on the CPU."""
    size, parts = rows_at_once(values_per_row(model)), []
    with evaluating(model):
        for start in range(0, count, size):
            end = min(start + size, count)
            parts.append(model.draw(end - start, None if y is None else y[start:end]).cpu())
    return torch.cat(parts)


def _decoded(model: VAE, z: Tensor, y: Tensor | None) -> Iterator[Distribution]:
    """p(x given z), part by part."""
    z, size = z.to(next(model.parameters())), rows_at_once(values_per_row(model))
    labels = [None] * len(z) if y is None else y.to(z.device).split(size)
    with evaluating(model):
        for part, label in zip(z.split(size), labels, strict=y is not None):
            yield model.decode(part, label)


def sample_means(model: VAE, count: int, y: Tensor | None = None) -> Tensor:
    """The means of p(x given z) for `count` draws z ~ p(z), as `model.sample` gives them, [count, *shape], on the CPU."""
    return decode_means(model, draw_codes(model, count, y), y)
