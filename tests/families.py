"""THE list of instances that every conformance test runs over.

A new member of a family needs one line here; test_conformance.py fails for a registered part that has none.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vaekit import likelihoods, nets, posteriors, priors
from vaekit.model import VAE
from vaekit.objectives import ELBO

LATENT = 3


class Part(NamedTuple):
    """make: the shapes that the part's constructor takes -> the part; supports: of the data that a likelihood takes."""

    name: str
    make: Callable[..., Any]
    supports: tuple[str, ...] = ()


class Nets(NamedTuple):
    """A pair of nets for rows of `shape`; encoder: (shape, latent) -> net; decoder: (latent, shape) -> net."""

    name: str
    shape: tuple[int, ...]
    encoder: Callable[..., Any]
    decoder: Callable[..., Any]


def conv(shape: tuple[int, ...], **options: Any) -> Nets:
    name = "-".join(["conv", *map(str, shape), *(f"{key}={value}" for key, value in options.items())])
    return Nets(name, shape, partial(nets.ConvEncoder, **options), partial(nets.ConvDecoder, **options))


def mlp(shape: tuple[int, ...], **options: Any) -> Nets:
    name = "-".join(["mlp", *map(str, shape), *(f"{key}={value}" for key, value in options.items())])
    return Nets(name, shape, partial(nets.MLPEncoder, **options), partial(nets.MLPDecoder, **options))


POSTERIORS = [Part("diagonal-normal", posteriors.DiagonalNormal)]

PRIORS = [Part("standard-normal", priors.StandardNormal)]

LIKELIHOODS = [
    Part("bernoulli", likelihoods.Bernoulli, ("binary", "unit")),
    Part("continuous-bernoulli", likelihoods.ContinuousBernoulli, ("unit",)),
    Part("gaussian-fixed", partial(likelihoods.Gaussian, scale=0.3), ("unit", "real")),
    Part("gaussian-shared", partial(likelihoods.Gaussian, scale="shared"), ("unit", "real")),
    Part("gaussian-learned", partial(likelihoods.Gaussian, scale="learned", min_scale=0.05), ("unit", "real")),
]

NETS = [
    mlp((7,)),
    mlp((2, 3), hidden=()),
    mlp((1, 8, 8), hidden=(9, 5), activation="tanh"),
    mlp((1, 8, 8), hidden=(6,), batch_norm=True),
    conv((1, 28, 28)),
    conv((1, 28, 28), channels=(4, 6), hidden=(5,), batch_norm=True),
    conv((3, 37, 53), channels=(3, 4, 5)),
    conv((3, 37, 53), channels=(4, 4, 4, 4), hidden=(6, 5), kernel=5, activation="silu"),
    conv((1, 8, 8), channels=()),
    conv((1, 8, 8), channels=(3,), kernel=2),
    conv((1, 8, 8), channels=(3, 3, 3, 3), kernel=4, batch_norm=True),
    conv((2, 5, 7), channels=(3, 4), kernel=3),
    conv((2, 5, 7), channels=(3,), hidden=(), kernel=4),
    conv((2, 5, 7), channels=(3, 3, 3, 3), kernel=5, activation="tanh"),
]

OBJECTIVES = [
    Part("elbo", ELBO),
    Part("elbo-5-samples", partial(ELBO, samples=5)),
    Part("elbo-monte-carlo", partial(ELBO, samples=2, divergence="monte-carlo")),
    Part("elbo-beta-warmup", partial(ELBO, beta=4.0, warmup=10)),
    Part("elbo-free-bits", partial(ELBO, free_bits=0.5)),
]

DRAWS: dict[str, Callable[[tuple[int, ...]], Tensor]] = {
    "binary": lambda shape: torch.randint(0, 2, shape).double(),
    "unit": lambda shape: torch.rand(shape, dtype=torch.float64),
    "real": lambda shape: 3 * torch.randn(shape, dtype=torch.float64),
}
"""Data of a support: shape -> values in float64."""


def names(cases: list[Any]) -> list[str]:
    return [case.name for case in cases]


def small_vae(posterior: Part, prior: Part, likelihood: Part, shape: tuple[int, ...] = (1, 4, 4)) -> VAE:
    """Any three parts between two small fully connected nets, in float64, always with the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        given = likelihood.make(shape)
        return VAE(
            encoder=nets.MLPEncoder(shape, LATENT, hidden=(6,), activation="tanh"),
            posterior=posterior.make(6, LATENT),
            prior=prior.make(LATENT),
            decoder=nets.MLPDecoder(LATENT, given.parameter_shape, hidden=(6,), activation="tanh"),
            likelihood=given,
        ).double()
