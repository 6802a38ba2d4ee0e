"""Parts and models from a configuration, and the configuration of parts and models."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from vaekit.config.schema import (
    FAMILIES,
    MODEL_PARTS,
    Custom,
    PlainOptions,
    Settings,
    schema,
    to_plain,
)
from vaekit.core.codebook import Codebook
from vaekit.core.modules import eval_mode
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.nets.conditioned import ConditionedNet

MAX_SIDE_FOR_PLANE = 32
"""Gray images up to this size have two latent dimensions by default."""
MIN_LATENT = 2
MAX_LATENT = 32
VALUES_PER_LATENT = 8


def build_part(config: Settings, family: str, *shapes: Any) -> Any:
    """The part of a family that the configuration names.

    Args:
        config: The configuration.
        family: The family, such as encoder.
        shapes: The positional arguments of the part's constructor.

    Raises:
        ConfigError: The part is one of the user's own, or the shapes do not suit it.
    """
    options = config.part(family)
    if isinstance(options, Custom):
        raise ConfigError(
            f"{family} {options.name} is not a part of vaekit. Pass the object itself.",
            parameter=family,
        )
    chosen = {name: getattr(options, name) for name in type(options).model_fields if name != "kind"}
    return FAMILIES[family][options.kind](*shapes, **chosen)


def describe_part(family: str, part: Any) -> PlainOptions:
    """The options that build a part, or the name of the class of a part of the user's own.

    The options are the attributes with the names of the constructor's arguments.
    """
    for kind, known in FAMILIES[family].items():
        if type(part) is known:
            options = [name for name in schema(kind, known).model_fields if name != "kind"]
            return {"kind": kind} | {name: getattr(part, name) for name in options}
    return {"kind": "custom", "name": type(part).__name__}


def build_model(config: Settings, modules: Mapping[str, nn.Module] | None = None) -> VAE:
    """The model of a resolved configuration.

    The configuration's seed determines the weights; the caller's random state is unchanged.

    Args:
        config: A configuration without open choices, see `resolve`.
        modules: Parts of the user's own, by family, that replace the configured ones.

    Raises:
        ConfigError: The parts do not fit together.
    """
    shape = config.data.shape or ()
    latent = config.latent_dim
    classes = len(config.data.classes) if config.conditional else 0
    own = modules or {}

    def part(family: str, *shapes: Any) -> Any:
        return own[family] if family in own else build_part(config, family, *shapes)

    def net(family: str, *shapes: Any) -> nn.Module:
        module = part(family, *shapes)
        return ConditionedNet(module) if classes and family not in own else module

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        encoder = net("encoder", _with_condition(shape, classes), latent)
        likelihood = part("likelihood", shape)
        posterior = part("posterior", _feature_shape(encoder, shape, classes), latent)
        z: Any = getattr(posterior, "latent", latent)
        prior = part("prior", z, classes)
        z_shape = z.shape if isinstance(z, Codebook) else z
        parameter_shape = getattr(likelihood, "parameter_shape", shape)
        decoder = net("decoder", _with_condition(z_shape, classes), parameter_shape)
        return VAE(
            encoder=encoder,
            posterior=posterior,
            prior=prior,
            decoder=decoder,
            likelihood=likelihood,
            classes=classes,
        )


def describe_model(model: VAE) -> PlainOptions:
    """The keys of a configuration that build this model."""
    parts = {name: describe_part(name, _unwrapped(getattr(model, name))) for name in MODEL_PARTS}
    return parts | {
        "latent_dim": getattr(model.posterior, "latent_dim", math.prod(model.latent_shape)),
        "data": {"shape": model.data_shape},
        "conditional": bool(model.classes),
    }


def _unwrapped(part: nn.Module) -> nn.Module:
    return part.net if isinstance(part, ConditionedNet) else part


def _with_condition(shape: int | Sequence[int], classes: int) -> tuple[int, ...] | int:
    """A shape with as many more entries, or channels, as a condition has classes."""
    if isinstance(shape, int):
        return shape + classes
    return (shape[0] + classes, *shape[1:]) if shape else ()


def resolve(config: Settings, shape: Sequence[int], support: str, levels: int = 0) -> Settings:
    """The configuration with all choices that depend on the data made.

    Those are the shape, latent_dim, likelihood and prior.

    Args:
        config: A configuration.
        shape: Shape of one example.
        support: Support of the values that the model sees: binary, unit or real.
        levels: Number of levels of integer data, else 0.

    Raises:
        ConfigError: The configuration is for another shape.
    """
    expected = config.data.shape
    if expected is not None and tuple(expected) != tuple(shape):
        raise ConfigError.for_value(
            "data.shape",
            tuple(shape),
            f"{tuple(expected)} as in the configuration",
            problem="the examples have the wrong shape",
        )
    choices = {
        "latent_dim": config.latent_dim or default_latent(shape),
        "likelihood": _likelihood_for(config, shape, support, levels),
        "prior": config.part("prior") or {"kind": _prior_for(config)},
        "data": {"shape": tuple(shape)},
    }
    return config.changed(to_plain(choices))


def _likelihood_for(
    config: Settings, shape: Sequence[int], support: str, levels: int
) -> PlainOptions:
    """The configured likelihood, or the default one, with the levels of the data."""
    chosen = config.part("likelihood")
    if chosen is None:
        return {"kind": default_likelihood(shape, support)}
    options = chosen.model_dump()
    if levels and options.get("levels", levels) is None:
        options["levels"] = levels
    return options


def _prior_for(config: Settings) -> str:
    """The default prior of the posterior."""
    posterior = FAMILIES["posterior"].get(config.part("posterior").kind)
    return getattr(posterior, "prior", "standard-normal")


def default_latent(shape: Sequence[int]) -> int:
    """2 for gray images up to 32 x 32, 32 for other images, 2 to 32 for vectors by their length.

    A plane shows two latent dimensions well.
    """
    if len(shape) == 3:
        is_small_and_gray = shape[0] == 1 and max(shape[1:]) <= MAX_SIDE_FOR_PLANE
        return MIN_LATENT if is_small_and_gray else MAX_LATENT
    return min(MAX_LATENT, max(MIN_LATENT, math.prod(shape) // VALUES_PER_LATENT))


def default_likelihood(shape: Sequence[int], support: str) -> str:
    """Bernoulli for binary data and, as in the literature, for gray images, else Gaussian."""
    is_gray_image = len(shape) == 3 and shape[0] == 1
    if support == "binary" or (support == "unit" and is_gray_image):
        return "bernoulli"
    return "gaussian"


def _feature_shape(encoder: nn.Module, shape: Sequence[int], classes: int) -> int | tuple[int, ...]:
    """The width of an encoder's output for an example of zeros, or its shape if it is a map."""
    condition = [torch.zeros(1, classes)] if classes else []
    try:
        with torch.no_grad(), eval_mode(encoder):
            features = encoder(torch.zeros(1, *shape), *condition)
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ConfigError(
            f"encoder {type(encoder).__name__} fails on examples of shape {tuple(shape)}. "
            f"{reason}.",
            parameter="encoder",
        ) from error
    return features.shape[-1] if features.dim() == 2 else tuple(features.shape[1:])
