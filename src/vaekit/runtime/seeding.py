"""Noise as a function of seed and step: equal whether or not the run was interrupted."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vaekit.arguments import check_seed

_MASK = 2**64 - 1


def seed_noise(seed: int, step: int) -> None:
    """Seed torch's generators for one step of a run.

    Generators are seeded one by one: `torch.manual_seed` takes a millisecond, most of it for
    recording the stack for devices that are not used.
    """
    mixed = mix_seeds(seed, step)
    torch.default_generator.manual_seed(mixed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(mixed)


@contextmanager
def seeded_noise(seed: int, step: int = 0) -> Iterator[None]:
    """Seed the block; afterwards torch's generator on the CPU continues as before."""
    seed = check_seed(seed)
    with torch.random.fork_rng(devices=[]):
        seed_noise(seed, step)
        yield


def mix_seeds(seed: int, step: int) -> int:
    """One seed of two numbers, by the finalizer of splitmix64 (Steele et al., 2014)."""
    x = (seed * 0x9E3779B97F4A7C15 + step + 1) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)
