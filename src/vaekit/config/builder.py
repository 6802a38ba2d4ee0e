"""From a configuration to parts and models, and back."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from vaekit.config.schema import FAMILIES, MODEL_PARTS, Custom, Settings, schema, to_plain
from vaekit.core.codebook import Codebook
from vaekit.core.vae import VAE, eval_mode
from vaekit.errors import ConfigError
from vaekit.nets.conditioned import ConditionedNet


def build_part(config: Settings, family: str, *shapes: Any) -> Any:
    """The part of a family that `config` names, built for these shapes."""
    options = config.part(family)
    if isinstance(options, Custom):
        raise ConfigError(
            f"{family} {options.name} is not one of vaekit's own parts: hand over the object itself"
        )
    chosen = {name: getattr(options, name) for name in type(options).model_fields if name != "kind"}
    return FAMILIES[family][options.kind](*shapes, **chosen)


def describe_part(family: str, part: Any) -> dict[str, Any]:
    """The options of a part, read from the attributes that bear the names of its arguments; of a custom part, its name."""
    for kind, known in FAMILIES[family].items():
        if type(part) is known:
            options = [name for name in schema(kind, known).model_fields if name != "kind"]
            return {"kind": kind} | {name: getattr(part, name) for name in options}
    return {"kind": "custom", "name": type(part).__name__}


def build_model(config: Settings, modules: Mapping[str, nn.Module] | None = None) -> VAE:
    """The model of a resolved configuration, with `modules` in the place of the parts that they are named for.

    The weights start from the configuration's seed; the caller's random state is left as it was.
    """
    shape, latent = config.data.shape or (), config.latent_dim
    classes = len(config.data.classes) if config.conditional else 0
    given = modules or {}

    def part(family: str, *shapes: Any) -> Any:
        return given[family] if family in given else build_part(config, family, *shapes)

    def net(family: str, *shapes: Any) -> nn.Module:
        module = part(family, *shapes)
        return ConditionedNet(module) if classes and family not in given else module

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        encoder = net("encoder", _wider(shape, classes), latent)
        likelihood = part("likelihood", shape)
        posterior = part("posterior", _features(encoder, shape, classes), latent)
        z: Any = getattr(posterior, "latent", latent)
        prior = part("prior", z, classes)
        z_shape = z.shape if isinstance(z, Codebook) else z
        return VAE(
            encoder=encoder,
            posterior=posterior,
            prior=prior,
            decoder=net(
                "decoder", _wider(z_shape, classes), getattr(likelihood, "parameter_shape", shape)
            ),
            likelihood=likelihood,
            classes=classes,
        )


def describe_model(model: VAE) -> dict[str, Any]:
    """The part of a configuration that makes this model."""
    latent = getattr(model.posterior, "latent_dim", math.prod(model.latent_shape))
    parts = {name: describe_part(name, _unwrapped(getattr(model, name))) for name in MODEL_PARTS}
    return parts | {
        "latent_dim": latent,
        "data": {"shape": model.data_shape},
        "conditional": bool(model.classes),
    }


def _unwrapped(part: nn.Module) -> nn.Module:
    return part.net if isinstance(part, ConditionedNet) else part


def _wider(shape: int | Sequence[int], channels: int) -> tuple[int, ...] | int:
    """A shape with as many more numbers, or channels, as a condition takes."""
    if isinstance(shape, int):
        return shape + channels
    return (shape[0] + channels, *shape[1:]) if shape else ()


def resolve(config: Settings, shape: Sequence[int], shown: str, levels: int = 0) -> Settings:
    """`config` with what was left to the data filled in: shape, latent_dim, likelihood and prior, and what the parts chose.

    shown: the support of what a model would see: binary, unit or real. levels: of integers, else 0.
    """
    wanted = config.data.shape
    if wanted is not None and tuple(wanted) != tuple(shape):
        raise ConfigError(
            f"the configuration is for rows of shape {tuple(wanted)}, the data have {tuple(shape)}"
        )
    latent = config.latent_dim or default_latent(shape)
    chosen = config.part("likelihood")
    likelihood: dict[str, Any] = (
        chosen.model_dump() if chosen else {"kind": default_likelihood(shape, shown)}
    )
    if likelihood.get("levels", 0) is None and levels:
        likelihood["levels"] = levels
    prior = config.part("prior") or {"kind": _prior_for(config)}
    filled = {
        "latent_dim": latent,
        "likelihood": likelihood,
        "prior": prior,
        "data": {"shape": tuple(shape)},
    }
    return config.changed(to_plain(filled))


def _prior_for(config: Settings) -> str:
    """The prior that suits the posterior, as that says."""
    posterior = FAMILIES["posterior"].get(config.part("posterior").kind)
    return getattr(posterior, "prior", "standard-normal")


def default_latent(shape: Sequence[int]) -> int:
    """2 for gray images up to 32 x 32, which a plane shows well; 32 for other images; 2 to 32 for vectors, by their length."""
    if len(shape) == 3:
        return 2 if shape[0] == 1 and max(shape[1:]) <= 32 else 32
    return min(32, max(2, math.prod(shape) // 8))


def default_likelihood(shape: Sequence[int], support: str) -> str:
    """Bernoulli for binary data and, as in the literature, for gray images; Gaussian for colour, tables and real values."""
    gray = len(shape) == 3 and shape[0] == 1
    return "bernoulli" if support == "binary" or (support == "unit" and gray) else "gaussian"


def _features(encoder: nn.Module, shape: Sequence[int], classes: int) -> int | tuple[int, ...]:
    """The width of an encoder's output, or its shape where it is a map, found by passing one row of zeros through it."""
    condition = [torch.zeros(1, classes)] if classes else []
    try:
        with torch.no_grad(), eval_mode(encoder):
            features = encoder(torch.zeros(1, *shape), *condition)
    except (RuntimeError, ValueError, TypeError) as error:
        raise ConfigError(
            f"encoder {type(encoder).__name__} fails on rows of shape {tuple(shape)}: {str(error).splitlines()[0]}"
        ) from error
    return features.shape[-1] if features.dim() == 2 else tuple(features.shape[1:])
