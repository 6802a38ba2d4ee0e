"""The instances that every conformance test runs over.

A new member of a family needs one line here; test_conformance.py fails for a registered part
without one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit import likelihoods, nets, posteriors, priors
from vaekit.core.codebook import Codebook
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.nets.conditioned import ConditionedNet
from vaekit.objectives import ELBO, DivergenceOnly, ImportanceWeighted, ReconstructionOnly

LATENT = 4
CLASSES = 3

Shape = tuple[int, ...]


class Part(NamedTuple):
    """A part of a model, or an objective, with facts that the tests verify.

    Args:
        name: Its name in the tests.
        make: The shapes of the part's constructor to the part.
        supports: Supports of data that a likelihood accepts.
        z: continuous or discrete: the latent codes of a posterior, or those a prior is for.
        classes: Classes of the condition of a prior.
        deterministic: Whether a posterior puts all mass on one z.
        coupled: Whether the codes of a prior depend on one another.
    """

    name: str
    make: Callable[..., Any]
    supports: tuple[str, ...] = ()
    z: str = ""
    classes: int = 0
    deterministic: bool = False
    coupled: bool = False


class Nets(NamedTuple):
    """A pair of nets for examples of one shape.

    Args:
        name: Its name in the tests.
        shape: Shape of one example.
        encoder: (shape, latent) to the encoder.
        decoder: (latent, shape) to the decoder.
        latent: Size, or shape, of a latent code.
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
    """An encoder of maps with its mirror image, or with a `decoder` of another kind."""
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
    Part("deterministic", posteriors.Deterministic, z="continuous", deterministic=True),
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
        deterministic=True,
    ),
    Part(
        "finite-scalar",
        partial(posteriors.FiniteScalar, levels=(3, 2)),
        z="discrete",
        deterministic=True,
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
"""Small nets of every kind, which the other families are trained with."""

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

SAMPLE_DATA: dict[str, Callable[[tuple[int, ...]], Tensor]] = {
    "binary": lambda shape: torch.randint(0, 2, shape).double(),
    "unit": lambda shape: torch.rand(shape, dtype=torch.float64),
    "integers": lambda shape: torch.randint(0, 5, shape).double() / 4,
    "real": lambda shape: 3 * torch.randn(shape, dtype=torch.float64),
}
"""Random data of each support: a shape to float64 values as a model sees them, of 5 levels."""


def names(cases: list[Any]) -> list[str]:
    return [case.name for case in cases]


def small_vae(posterior: Part, prior: Part, likelihood: Part, pair: Nets = TRAINED_NETS[0]) -> VAE:
    """Any three parts between two small nets, in float64, always with the same weights.

    The model is conditional if the prior is.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        classes = prior.classes
        p_x = likelihood.make(pair.shape)
        encoder = pair.encoder(with_condition(pair.shape, classes), LATENT)
        with torch.no_grad(), eval_mode(encoder):
            x = torch.zeros(1, *with_condition(pair.shape, classes))
            features = encoder(x).shape[1:]
        q = posterior.make(tuple(features), LATENT)
        z = q.latent.shape if isinstance(q.latent, Codebook) else q.latent
        decoder = pair.decoder(with_condition(z, classes), p_x.parameter_shape)
        if classes:
            encoder = ConditionedNet(encoder)
            decoder = ConditionedNet(decoder)
        p = prior.make(q.latent, classes)
        for parameter in p.parameters():  # some have no gradient at their initial value
            torch.nn.init.normal_(parameter, std=0.1)
        return VAE(encoder, q, p, decoder, p_x, classes).double()


def with_condition(shape: Shape, classes: int) -> Shape:
    """A shape with the numbers, or planes, of a condition."""
    return (shape[0] + classes, *shape[1:])


def condition(prior: Part, count: int) -> Tensor | None:
    """Classes [count] for a prior, or for the model that it is part of; None without classes."""
    return torch.arange(count) % prior.classes if prior.classes else None


# --- Helpers of the conformance tests -------------------------------------------------------------

every_likelihood = pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=names(LIKELIHOODS))
every_posterior = pytest.mark.parametrize("posterior", POSTERIORS, ids=names(POSTERIORS))
every_prior = pytest.mark.parametrize("prior", PRIORS, ids=names(PRIORS))
every_pair_of_nets = pytest.mark.parametrize("pair", NETS, ids=names(NETS))
both_precisions = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["float32", "float64"]
)

PAIRS = [(q, p) for q in POSTERIORS for p in PRIORS if q.z == p.z]
MISFITS = [(q, p) for q in POSTERIORS for p in PRIORS if q.z != p.z]


def every_pair_of(pairs: list[tuple[Part, Part]]) -> pytest.MarkDecorator:
    """Parametrize a test by pairs of posterior and prior."""
    ids = ["-".join(names(list(pair))) for pair in pairs]
    return pytest.mark.parametrize(("posterior", "prior"), pairs, ids=ids)


def has_finite_kl(posterior: Part) -> bool:
    """Whether its divergence from a prior can be finite."""
    return posterior.z == "discrete" or not posterior.deterministic


def has_closed_form(posterior: Part, prior: Part) -> bool:
    """Whether a closed form of the divergence is known."""
    return has_finite_kl(posterior) and (posterior.deterministic or not prior.coupled)


def make_prior(prior: Part, latent: Codebook | int | Shape | None = None) -> torch.nn.Module:
    """A prior in float64 with random parameters, for a latent code of its kind."""
    codes = LATENT if prior.z == "continuous" else Codebook(torch.randn(3, 2), groups=2)
    part = prior.make(latent or codes, prior.classes).double()
    for parameter in part.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return part


def prior_distribution(prior: Part, part: torch.nn.Module, count: int = 5) -> Distribution:
    """p(z), or p(z|y) for `count` classes."""
    if not prior.classes:
        return part()
    return part(torch.eye(CLASSES, dtype=torch.float64)[condition(prior, count)])
