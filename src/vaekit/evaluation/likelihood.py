"""The evidence lower bound and the importance-weighted bound, row by row, within a bound on memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit import divergences
from vaekit.data.support import Transform
from vaekit.model import VAE, evaluating
from vaekit.noise import noise
from vaekit.store import as_tensor, to_model

BATCH = 500
MAX_VALUES = 2**21
"""Values decoded at once, K x rows x values per row: 8 MB in float32, some 300 MB with a convolutional net's activations."""


class Estimate(NamedTuple):
    """A mean over rows and its standard error."""

    value: float
    standard_error: float

    @classmethod
    def of(cls, values: Tensor) -> "Estimate":
        n = len(values)
        return cls(values.mean().item(), (values.std() / math.sqrt(n)).item() if n > 1 else 0.0)


@dataclass(frozen=True)
class Inputs:
    """Raw rows x [N, *shape] with the transform that a model sees them through."""

    x: np.ndarray
    transform: Transform

    def __len__(self) -> int:
        return len(self.x)

    def batches(self, model: VAE, size: int = BATCH) -> Iterator[Tensor]:
        """The rows in order, as `model` takes them."""
        for start in range(0, len(self.x), size):
            yield to_model(as_tensor(self.x[start : start + size]), model, self.transform)


class PerRow(NamedTuple):
    """The terms of the negative ELBO in nats: reconstruction [N], divergence per latent dimension [N, D]."""

    reconstruction: Tensor
    divergence: Tensor

    @property
    def loss(self) -> Tensor:
        return self.reconstruction + self.divergence.sum(-1)

    def means(self) -> dict[str, float]:
        """The three figures of a run's table: means over rows."""
        divergence = self.divergence.sum(-1).mean()
        return {
            "loss": self.loss.mean().item(),
            "reconstruction": self.reconstruction.mean().item(),
            "divergence": divergence.item(),
        }


def draw(q: Distribution, samples: int) -> Tensor:
    """Samples [K, ...] of q; where q can, by reparameterization, which lets NaN through to be named instead of raising."""
    return q.rsample((samples,)) if q.has_rsample else q.sample((samples,))


@torch.no_grad()
def elbo_per_row(model: VAE, rows: Inputs, *, seed: int = 0, samples: int = 1) -> PerRow:
    """The negative ELBO, beta = 1 and no free bits, in full precision, whatever the model was trained with.

    The divergence is exact where a closed form is known, else from the same samples. Equal seeds draw equal noise.
    """
    parts = []
    for step, x in enumerate(rows.batches(model)):
        with evaluating(model), noise(seed, step), torch.autocast(x.device.type, enabled=False):
            q, p = model.encode(x), model.prior()
            z = draw(q, samples)
            divergence = divergences.closed_form(q, p)
            if divergence is None:
                divergence = divergences.monte_carlo(q, p, z).mean(0)
            parts.append((-model.decode(z).log_prob(x).mean(0).double().cpu(), divergence.double().cpu()))
    reconstruction, divergence = map(torch.cat, zip(*parts, strict=True))
    return PerRow(reconstruction, divergence)


@torch.no_grad()
def importance_weighted_bound(model: VAE, rows: Inputs, samples: int, *, seed: int = 0) -> Tensor:
    """log 1/K sum_k p(x, z_k) / q(z_k given x), z_k ~ q(z given x), in nats, [N]; K = `samples` (Burda et al., 2016).

    A lower bound of log p(x) in expectation, which rises with K. The encoder runs once per row; samples are summed in chunks.
    """
    values = math.prod(model.data_shape)
    size = max(1, min(BATCH, MAX_VALUES // (values * min(samples, 50))))
    chunk = max(1, MAX_VALUES // (values * size))
    bounds = []
    for step, x in enumerate(rows.batches(model, size)):
        with evaluating(model), noise(seed, step), torch.autocast(x.device.type, enabled=False):
            q = model.encode(x)
            total = x.new_full((len(x),), -math.inf, dtype=torch.float64)
            for start in range(0, samples, chunk):
                z = draw(q, min(chunk, samples - start))
                log_weight = (model.log_joint(x, z) - q.log_prob(z)).double()
                total = torch.logaddexp(total, log_weight.logsumexp(0))
            bounds.append((total - math.log(samples)).cpu())
    return torch.cat(bounds)
