"""Annealed importance sampling: a bound of log p(x) that is close where the posterior is not."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.distributions import is_deterministic, is_discrete
from vaekit.core.vae import VAE, eval_mode
from vaekit.errors import ConfigError
from vaekit.inference.bounds import draw_samples
from vaekit.inputs import MAX_VALUES, ModelInputs, concat_batches, values_per_example
from vaekit.runtime.seeding import seeded_noise

LEAPS = 5
ACCEPTED = (
    0.65  # the share that explores fastest per gradient, in many dimensions (Beskos et al., 2013)
)
START, FASTER, SLOWER = (
    0.3,
    1.1,
    0.9,
)  # step sizes, in standard deviations of q, and how they follow the acceptance


class AISBound(NamedTuple):
    """The bound in nats [N], and the share of proposals that were accepted, which is None without any."""

    bound: Tensor
    acceptance: float | None


def ais_bound(
    model: VAE, rows: ModelInputs, *, steps: int = 100, chains: int = 16, seed: int = 0
) -> AISBound:
    """log of the mean over chains of w, E[w] = p(x): a lower bound of log p(x) in expectation (Neal, 2001; Wu et al., 2017).

    log w = sum_t (b_t - b_(t-1)) (log p(x, z_t) - log q(z_t given x)),   b_0 = 0 < ... < b_T = 1

    A chain starts at z ~ q(z given x) and moves between temperatures by Hamiltonian transitions that leave q^(1-b) p(x, z)^b as
    it is, so that it ends near the true posterior wherever q is. One step is the importance-weighted bound of as many samples.

    steps: T; the work is about 2 x T x 5 gradients of the decoder a chain. chains: per row.
    The size of a transition's leaps is chosen, row by row, by other chains that go the same way first: were it chosen by the
    chains that count, they would be no longer unbiased.

    Raises ConfigError where z is discrete or certain: nothing moves there.
    """
    parts = list(_parts(model, rows, steps, chains, seed))
    moves = [part[1] for part in parts if part[1] is not None]
    acceptance = torch.cat(moves).mean().item() if moves else None
    return AISBound(concat_batches(((bound,) for bound, _ in parts), len(rows))[0], acceptance)


def _parts(
    model: VAE, rows: ModelInputs, steps: int, chains: int, seed: int
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Some rows at a time: their bounds, and of each row the share of proposals that were accepted."""
    temperatures = _temperatures(steps)
    size = max(1, MAX_VALUES // (values_per_example(model) * chains))
    for step, (x, y) in enumerate(rows.batches(model, size)):
        with (
            eval_mode(model),
            seeded_noise(seed, step),
            torch.autocast(x.device.type, enabled=False),
        ):
            with torch.no_grad():
                q = model.encode(x, y)
            _check(q)
            path = _Path(model, x, y, q)
            sizes = torch.full((max(0, steps - 1), len(x)), START, dtype=x.dtype, device=x.device)
            if steps > 1:
                _, _, sizes = _walk(path, temperatures, chains, sizes, tune=True)
            log_w, accepted, _ = _walk(path, temperatures, chains, sizes, tune=False)
        yield (
            log_w.cpu().double().logsumexp(0) - math.log(chains),
            accepted.cpu() if steps > 1 else None,
        )


def _temperatures(steps: int) -> list[float]:
    """0 to 1, close together at both ends, where the target changes most (Wu et al., 2017)."""
    ends = torch.sigmoid(torch.linspace(-4.0, 4.0, steps + 1, dtype=torch.float64))
    return ((ends - ends[0]) / (ends[-1] - ends[0])).tolist()


@dataclass(frozen=True)
class _Path:
    """From q(z given x) at b = 0 to p(x, z) at b = 1."""

    model: VAE
    x: Tensor
    y: Tensor | None
    q: Distribution

    def ends(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """log q(z given x) and log p(x, z), [C, B]."""
        return self.q.log_prob(z), self.model.log_joint(self.x, z, self.y)

    def slope(self, z: Tensor, b: float) -> tuple[Tensor, Tensor]:
        """The logarithm of q^(1-b) p(x, z)^b, [C, B], and its gradient in z, in standard deviations of q."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            at_q, at_p = self.ends(z)
            value = (1 - b) * at_q + b * at_p
            (gradient,) = torch.autograd.grad(value.sum(), z)
        return value.detach(), gradient * self.q.stddev


def _walk(
    path: _Path, temperatures: list[float], chains: int, sizes: Tensor, *, tune: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Log weights [C, B], the share of accepted proposals [B], and the sizes of leaps [T - 1, B], which it may tune."""
    z = draw_samples(path.q, chains)
    log_w, accepted, sizes = 0.0, torch.zeros_like(sizes[:1].sum(0)), sizes.clone()
    for t, (before, b) in enumerate(pairwise(temperatures)):
        with torch.no_grad():
            at_q, at_p = path.ends(z)
        log_w = log_w + (b - before) * (at_p - at_q)
        if t < len(sizes):
            z, share = _move(path, z, b, sizes[t])
            accepted = accepted + share / len(sizes)
            if tune:
                sizes[t:] = sizes[t] * torch.where(share > ACCEPTED, FASTER, SLOWER)
    return torch.as_tensor(log_w), accepted, sizes


def _move(path: _Path, z: Tensor, b: float, size: Tensor) -> tuple[Tensor, Tensor]:
    """A Hamiltonian transition of z [C, B, ...] with leaps of `size` [B]; where it came to, and the share accepted [B]."""
    leap = size.reshape(-1, *[1] * (z.dim() - 2))
    momentum = torch.randn_like(z)
    value, gradient = path.slope(z, b)
    start = value - _energy(momentum)
    at = z
    for _ in range(LEAPS):
        momentum_half = momentum + 0.5 * leap * gradient
        at = at + leap * path.q.stddev * momentum_half
        value, gradient = path.slope(at, b)
        momentum = momentum_half + 0.5 * leap * gradient
    accept = (
        torch.rand_like(start).log() < value - _energy(momentum) - start
    )  # not, where that is NaN
    moved = torch.where(accept.reshape(*accept.shape, *[1] * (z.dim() - 2)), at, z)
    return moved, accept.to(z).mean(0)


def _energy(momentum: Tensor) -> Tensor:
    return 0.5 * momentum.square().flatten(2).sum(-1)


def _check(q: Distribution) -> None:
    if is_discrete(q) or is_deterministic(q):
        raise ConfigError(
            "annealing moves z through a continuum, this posterior's is discrete or certain: leave annealing out"
        )
