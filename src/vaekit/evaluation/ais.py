"""Annealed importance sampling: a bound of log p(x) that stays close if the posterior is poor."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.core.distributions import is_deterministic, is_discrete
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.inference.bounds import sample_posterior
from vaekit.inputs import MAX_VALUES, ModelInputs, concat_batches, values_per_example
from vaekit.runtime.seeding import seeded_noise

LEAPFROG_STEPS = 5
TARGET_ACCEPTANCE = 0.65
"""Explores fastest per gradient in many dimensions (Beskos et al., 2013)."""
INITIAL_STEP_SIZE = 0.3
"""In standard deviations of q."""
STEP_SIZE_GROWTH = 1.1
STEP_SIZE_DECAY = 0.9


class AISBound(NamedTuple):
    """The bound per example, and how well the chains moved.

    Attributes:
        bound: A lower bound of log p(x) in expectation, in nats, [N].
        acceptance: Fraction of proposals that were accepted; None without proposals.
    """

    bound: Tensor
    acceptance: float | None


def ais_bound(
    model: VAE, inputs: ModelInputs, *, steps: int = 100, chains: int = 16, seed: int = 0
) -> AISBound:
    """log of the mean over chains of w, E[w] = p(x): in expectation a lower bound of log p(x).

    log w = sum_t (b_t - b_(t-1)) (log p(x, z_t) - log q(z_t|x)),   b_0 = 0 < ... < b_T = 1

    A chain starts at z ~ q(z|x). Between temperatures it moves by Hamiltonian transitions that
    leave q^(1-b) p(x, z)^b invariant, so that it ends near the true posterior wherever q is. With
    one step the bound is the importance-weighted bound of as many samples as there are chains.

    Step sizes are adapted per example by other chains that run first: adapted by the chains
    that count, they would make the bound biased.

    Args:
        model: A model whose z is continuous.
        inputs: N examples.
        steps: T; a chain takes about 10 T gradients of the decoder.
        chains: Chains per example.
        seed: Seed of the noise.

    Raises:
        ConfigError: A discrete or a deterministic posterior, between whose values no chain moves.

    References:
        Neal, 2001; Wu et al., 2017.

    >>> bound = ais_bound(run.model, run.inputs(images[:4]), steps=3, chains=2).bound
    >>> bound.shape
    torch.Size([4])
    """
    batches = list(_iter_bounds(model, inputs, steps, chains, seed))
    acceptances = [acceptance for _, acceptance in batches if acceptance is not None]
    acceptance = torch.cat(acceptances).mean().item() if acceptances else None
    bound = concat_batches(((bound,) for bound, _ in batches), len(inputs))[0]
    return AISBound(bound, acceptance)


def _iter_bounds(
    model: VAE, inputs: ModelInputs, steps: int, chains: int, seed: int
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The bounds of each batch [B], and the acceptance per example [B] if there are proposals."""
    temperatures = _temperatures(steps)
    size = max(1, MAX_VALUES // (values_per_example(model) * chains))
    for step, (x, y) in enumerate(inputs.batches(model, size)):
        with (
            eval_mode(model),
            seeded_noise(seed, step),
            torch.autocast(x.device.type, enabled=False),
        ):
            with torch.no_grad():
                q = model.encode(x, y)
            _check_continuous(q)
            path = _AnnealingPath(model, x, y, q)
            shape = (max(0, steps - 1), len(x))
            sizes = torch.full(shape, INITIAL_STEP_SIZE, dtype=x.dtype, device=x.device)
            if steps > 1:
                sizes = _run_chains(path, temperatures, chains, sizes, adapt=True).step_sizes
            result = _run_chains(path, temperatures, chains, sizes, adapt=False)
        bound = result.log_weight.cpu().double().logsumexp(0) - math.log(chains)
        yield bound, result.acceptance.cpu() if steps > 1 else None


def _temperatures(steps: int) -> list[float]:
    """0 to 1, dense at both ends, where the target changes most (Wu et al., 2017)."""
    ends = torch.sigmoid(torch.linspace(-4.0, 4.0, steps + 1, dtype=torch.float64))
    return ((ends - ends[0]) / (ends[-1] - ends[0])).tolist()


@dataclass(frozen=True)
class _AnnealingPath:
    """From q(z|x) at b = 0 to p(x, z) at b = 1."""

    model: VAE
    x: Tensor
    y: Tensor | None
    q: Distribution

    def end_log_probs(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """log q(z|x) and log p(x, z), [C, B]."""
        return self.q.log_prob(z), self.model.log_joint(self.x, z, self.y)

    def log_prob_and_gradient(self, z: Tensor, b: float) -> tuple[Tensor, Tensor]:
        """log q^(1-b) p(x, z)^b, [C, B], and its gradient in z in standard deviations of q."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            log_q, log_p = self.end_log_probs(z)
            value = (1 - b) * log_q + b * log_p
            (gradient,) = torch.autograd.grad(value.sum(), z)
        return value.detach(), gradient * self.q.stddev


class _ChainResult(NamedTuple):
    """Log weights [C, B], the acceptance [B], and the step sizes [T - 1, B]."""

    log_weight: Tensor
    acceptance: Tensor
    step_sizes: Tensor


def _run_chains(
    path: _AnnealingPath,
    temperatures: list[float],
    chains: int,
    step_sizes: Tensor,
    *,
    adapt: bool,
) -> _ChainResult:
    """Run chains from the first temperature to the last, with step sizes that may adapt."""
    z = sample_posterior(path.q, chains)
    log_weight = 0.0
    acceptance = torch.zeros_like(step_sizes[:1].sum(0))
    step_sizes = step_sizes.clone()
    for t, (previous, b) in enumerate(pairwise(temperatures)):
        with torch.no_grad():
            log_q, log_p = path.end_log_probs(z)
        log_weight = log_weight + (b - previous) * (log_p - log_q)
        if t == len(step_sizes):
            break
        z, accepted = _hamiltonian_transition(path, z, b, step_sizes[t])
        acceptance = acceptance + accepted / len(step_sizes)
        if adapt:
            is_high = accepted > TARGET_ACCEPTANCE
            step_sizes[t:] = step_sizes[t] * torch.where(is_high, STEP_SIZE_GROWTH, STEP_SIZE_DECAY)
    return _ChainResult(torch.as_tensor(log_weight), acceptance, step_sizes)


def _hamiltonian_transition(
    path: _AnnealingPath, z: Tensor, b: float, step_size: Tensor
) -> tuple[Tensor, Tensor]:
    """Move z [C, B, ...] with step sizes [B]; the new z, and the fraction of moves accepted [B]."""
    step = step_size.reshape(-1, *[1] * (z.dim() - 2))
    momentum = torch.randn_like(z)
    log_prob, gradient = path.log_prob_and_gradient(z, b)
    initial = log_prob - _kinetic_energy(momentum)
    proposal = z
    for _ in range(LEAPFROG_STEPS):
        momentum_half = momentum + 0.5 * step * gradient
        proposal = proposal + step * path.q.stddev * momentum_half
        log_prob, gradient = path.log_prob_and_gradient(proposal, b)
        momentum = momentum_half + 0.5 * step * gradient
    log_ratio = log_prob - _kinetic_energy(momentum) - initial
    is_accepted = torch.rand_like(initial).log() < log_ratio  # false if the ratio is NaN
    mask = is_accepted.reshape(*is_accepted.shape, *[1] * (z.dim() - 2))
    return torch.where(mask, proposal, z), is_accepted.to(z).mean(0)


def _kinetic_energy(momentum: Tensor) -> Tensor:
    return 0.5 * momentum.square().flatten(2).sum(-1)


def _check_continuous(q: Distribution) -> None:
    if is_discrete(q) or is_deterministic(q):
        kind = "discrete" if is_discrete(q) else "deterministic"
        raise ConfigError(
            f"annealed importance sampling needs a continuous z, but the posterior is {kind}. "
            "Set ais_steps to 0.",
            parameter="ais_steps",
        )
