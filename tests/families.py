"""THE list of instances that every conformance test runs over.

A new member of a family needs one line here; test_conformance.py fails for a registered part that has none.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vaekit import likelihoods, nets, posteriors, priors
from vaekit.core.codebook import Codebook
from vaekit.core.vae import VAE, eval_mode
from vaekit.nets.conditioned import ConditionedNet
from vaekit.objectives import ELBO, DivergenceOnly, ImportanceWeighted, ReconstructionOnly

LATENT = 4
CLASSES = 3

Shape = tuple[int, ...]


class Part(NamedTuple):
    """make: the shapes that the part's constructor takes -> the part.

    supports: of the data that a likelihood takes. z: continuous or discrete, what a posterior gives and a prior is for.
    certain: whether a posterior puts all mass on one z. coupled: whether a prior's codes depend on one another.
    classes: of the condition that a prior is given.
    """

    name: str
    make: Callable[..., Any]
    supports: tuple[str, ...] = ()
    z: str = ""
    classes: int = 0
    certain: bool = False
    coupled: bool = False


class Nets(NamedTuple):
    """A pair of nets for rows of `shape`; encoder: (shape, latent) -> net; decoder: (latent, shape) -> net.

    latent: what the decoder starts from.
    """

    name: str
    shape: Shape
    encoder: Callable[..., Any]
    decoder: Callable[..., Any]
    latent: int | Shape = LATENT


def conv(shape: Shape, **options: Any) -> Nets:
    return Nets(
        label("conv", shape, options),
        shape,
        partial(nets.ConvEncoder, **options),
        partial(nets.ConvDecoder, **options),
    )


def mlp(shape: Shape, **options: Any) -> Nets:
    return Nets(
        label("mlp", shape, options),
        shape,
        partial(nets.MLPEncoder, **options),
        partial(nets.MLPDecoder, **options),
    )


def resnet(shape: Shape, **options: Any) -> Nets:
    name = label("resnet", shape, options)
    return Nets(
        name, shape, partial(nets.ResNetEncoder, **options), partial(nets.ResNetDecoder, **options)
    )


def conv_map(shape: Shape, decoder: Callable[..., Any] | None = None, **options: Any) -> Nets:
    """The encoder's map goes to its mirror, or to a `decoder` of another kind."""
    encoder = partial(nets.ConvMapEncoder, **options)
    with torch.random.fork_rng(devices=[]):
        size = encoder(shape, LATENT)(torch.zeros(1, *shape)).shape[2:]
    name = label("conv-map", shape, options) + (f"-{decoder.__name__}" if decoder else "")
    return Nets(
        name, shape, encoder, decoder or partial(nets.ConvMapDecoder, **options), (LATENT, *size)
    )


def label(kind: str, shape: Shape, options: dict[str, Any]) -> str:
    return "-".join([kind, *map(str, shape), *(f"{key}={value}" for key, value in options.items())])


POSTERIORS = [
    Part("diagonal-normal", posteriors.DiagonalNormal, z="continuous"),
    Part("deterministic", posteriors.Deterministic, z="continuous", certain=True),
    Part("categorical", partial(posteriors.Categorical, classes=3), z="discrete"),
    Part(
        "straight-through",
        partial(posteriors.Categorical, classes=3, gradient="straight-through"),
        z="discrete",
    ),
    Part(
        "vector-quantized",
        partial(posteriors.VectorQuantized, codes=5, groups=2),
        z="discrete",
        certain=True,
    ),
    Part(
        "finite-scalar", partial(posteriors.FiniteScalar, levels=(3, 2)), z="discrete", certain=True
    ),
]

PRIORS = [
    Part("standard-normal", priors.StandardNormal, z="continuous"),
    Part("class-normal", priors.ClassNormal, z="continuous", classes=CLASSES),
    Part("uniform", priors.Uniform, z="discrete"),
    Part(
        "autoregressive",
        partial(priors.Autoregressive, width=8, layers=1, heads=2),
        z="discrete",
        coupled=True,
    ),
    Part(
        "autoregressive-classes",
        partial(priors.Autoregressive, width=8, layers=1, heads=2),
        z="discrete",
        classes=CLASSES,
        coupled=True,
    ),
]

LIKELIHOODS = [
    Part("bernoulli", likelihoods.Bernoulli, ("binary", "unit")),
    Part("categorical", partial(likelihoods.Categorical, levels=5), ("integers",)),
    Part("continuous-bernoulli", likelihoods.ContinuousBernoulli, ("unit",)),
    Part("discretized-logistic", partial(likelihoods.DiscretizedLogistic, levels=5), ("integers",)),
    Part(
        "discretized-logistic-mixture",
        partial(likelihoods.DiscretizedLogistic, levels=5, components=3),
        ("integers",),
    ),
    Part("gaussian-fixed", partial(likelihoods.Gaussian, scale=0.3), ("unit", "real")),
    Part("gaussian-shared", partial(likelihoods.Gaussian, scale="shared"), ("unit", "real")),
    Part(
        "gaussian-learned",
        partial(likelihoods.Gaussian, scale="learned", min_scale=0.05),
        ("unit", "real"),
    ),
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
    conv_map((1, 28, 28)),
    conv_map((3, 37, 53), channels=(3, 4, 5), kernel=5, activation="silu"),
    conv_map((1, 8, 8), channels=()),
    conv_map((1, 8, 8), channels=(3,), kernel=2, batch_norm=True),
    conv_map((2, 5, 7), channels=(3, 4), kernel=3, activation="tanh"),
    conv_map((2, 5, 7), nets.ConvDecoder, channels=(3, 4)),
    conv_map((2, 5, 7), nets.MLPDecoder, channels=(3,)),
    resnet((3, 37, 53), channels=(16, 4, 5), blocks=2),
    resnet((1, 8, 8), channels=()),
    resnet((2, 5, 7), channels=(3, 4), kernel=4, hidden=(6,), activation="tanh"),
]

TRAINED_NETS = [
    mlp((1, 4, 4), hidden=(6,), activation="tanh"),
    conv((2, 5, 4), channels=(3,), hidden=(6,), activation="tanh"),
    conv_map((2, 5, 4), channels=(3,), activation="tanh"),
    resnet((2, 5, 4), channels=(3,), hidden=(6,), activation="tanh"),
]
"""Small ones of every kind, which the other families meet in training."""

OBJECTIVES = [
    Part("elbo", ELBO),
    Part("elbo-5-samples", partial(ELBO, samples=5)),
    Part("elbo-monte-carlo", partial(ELBO, samples=2, divergence="monte-carlo")),
    Part("elbo-beta-warmup", partial(ELBO, beta=4.0, warmup=10)),
    Part("elbo-free-bits", partial(ELBO, free_bits=0.01)),
    Part("elbo-score-function", partial(ELBO, gradient="score-function")),
    Part(
        "elbo-score-function-monte-carlo",
        partial(ELBO, samples=3, gradient="score-function", divergence="monte-carlo"),
    ),
    Part("importance-weighted", partial(ImportanceWeighted, samples=3)),
    Part("elbo-no-gradient", partial(ELBO, gradient="none")),
    Part("reconstruction-only", ReconstructionOnly),
    Part("divergence-only", DivergenceOnly),
]

DRAWS: dict[str, Callable[[tuple[int, ...]], Tensor]] = {
    "binary": lambda shape: torch.randint(0, 2, shape).double(),
    "unit": lambda shape: torch.rand(shape, dtype=torch.float64),
    "integers": lambda shape: torch.randint(0, 5, shape).double() / 4,
    "real": lambda shape: 3 * torch.randn(shape, dtype=torch.float64),
}
"""Data of a support: shape -> values in float64, as a model sees them; integers of 5 levels."""


def names(cases: list[Any]) -> list[str]:
    return [case.name for case in cases]


def small_vae(posterior: Part, prior: Part, likelihood: Part, pair: Nets = TRAINED_NETS[0]) -> VAE:
    """Any three parts between two small nets, in float64, always with the same weights; conditional where the prior is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        classes, given = prior.classes, likelihood.make(pair.shape)
        encoder = pair.encoder(wider(pair.shape, classes), LATENT)
        with torch.no_grad(), eval_mode(encoder):
            features = encoder(torch.zeros(1, *wider(pair.shape, classes))).shape[1:]
        q = posterior.make(tuple(features), LATENT)
        z = q.latent.shape if isinstance(q.latent, Codebook) else q.latent
        decoder = pair.decoder(wider(z, classes), given.parameter_shape)
        if classes:
            encoder, decoder = ConditionedNet(encoder), ConditionedNet(decoder)
        p = prior.make(q.latent, classes)
        for parameter in p.parameters():
            torch.nn.init.normal_(
                parameter, std=0.1
            )  # where a prior starts, some have no gradient yet
        return VAE(encoder, q, p, decoder, given, classes).double()


def wider(shape: Shape, classes: int) -> Shape:
    """A shape with the numbers, or planes, that a condition adds."""
    return (shape[0] + classes, *shape[1:])


def condition(part: Part, rows: int) -> Tensor | None:
    """y [rows] for a prior, or for the model that it is part of; None where it has no classes."""
    return torch.arange(rows) % part.classes if part.classes else None
