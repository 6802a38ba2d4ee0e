"""Parts and models from a configuration, and the configuration of parts and models."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from vaekit.config.defaults import (
    DataProfile,
    default_latent_dim,
    default_likelihood,
    default_normalization,
)
from vaekit.config.memory import ModelMemory
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
from vaekit.core.normalization import Normalization
from vaekit.core.vae import VAE
from vaekit.errors import ConfigError
from vaekit.likelihoods.normalized import NormalizedLikelihood, without_normalization
from vaekit.nets.components import ComponentsDecoder, ComponentsEncoder
from vaekit.nets.conditioned import ConditionedNet
from vaekit.nets.normalized import NormalizedEncoder


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


def build_model(
    config: Settings, modules: Mapping[str, nn.Module] | None = None, *, copies: int = 1
) -> VAE:
    """The model of a resolved configuration.

    The configuration's seed determines the weights; the caller's random state is unchanged.

    Args:
        config: A configuration without open choices, see `resolve`.
        modules: Parts of the user's own, by family, that replace the configured ones.
        copies: How many times the weights will be in memory, see `copies_in_training`.

    Raises:
        ConfigError: The parts do not fit together, or not into memory.
    """
    shape = config.data.shape or ()
    latent = config.latent_dim
    assert latent is not None, "the configuration is not resolved"
    classes = len(config.data.classes) if config.conditional else 0
    own = modules or {}
    memory = ModelMemory(config, copies)

    def part(family: str, *shapes: Any) -> Any:
        if family in own:
            return own[family]
        return memory.build(family, lambda: build_part(config, family, *shapes))

    def net(family: str, *shapes: Any) -> nn.Module:
        module = part(family, *shapes)
        return ConditionedNet(module) if classes and family not in own else module

    if config.components:
        _check_components(config)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        encoder = net("encoder", _with_condition(shape, classes), latent)
        if config.components:
            net_alone = encoder
            encoder = memory.build("encoder", lambda: ComponentsEncoder(net_alone, shape, latent))
        likelihood = part("likelihood", shape)
        kind = config.data.normalize
        if kind is not None and kind != "none":
            _check_real(config)
            encoder = NormalizedEncoder(encoder, Normalization(kind, shape))
            likelihood = NormalizedLikelihood(likelihood, Normalization(kind, shape))
        posterior = part("posterior", _feature_shape(encoder, shape, classes), latent)
        z: Any = getattr(posterior, "latent", latent)
        prior = part("prior", z, classes)
        z_shape = z.shape if isinstance(z, Codebook) else z
        parameter_shape = getattr(likelihood, "parameter_shape", shape)
        decoder = net("decoder", _with_condition(z_shape, classes), parameter_shape)
        if config.components:
            decoder_alone = decoder
            decoder = memory.build(
                "decoder", lambda: ComponentsDecoder(decoder_alone, latent, shape)
            )
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
        "data": {"shape": model.data_shape, "normalize": _normalize_of(model.encoder)},
        "conditional": bool(model.classes),
        "components": isinstance(without_normalization(model.encoder), ComponentsEncoder),
    }


def _normalize_of(encoder: nn.Module) -> str:
    return encoder.normalization.kind if isinstance(encoder, NormalizedEncoder) else "none"


def _check_real(config: Settings) -> None:
    """ConfigError if the likelihood is none of normalized data, which may be any real number."""
    kind = config.part("likelihood").kind
    likelihood = FAMILIES["likelihood"].get(kind)
    if likelihood is not None and "real" not in likelihood.accepts:
        kinds = [name for name, part in FAMILIES["likelihood"].items() if "real" in part.accepts]
        raise ConfigError.for_value(
            "likelihood",
            kind,
            " or ".join(map(repr, kinds)),
            problem="normalized data need a likelihood of real numbers",
            fix="Or set data.normalize to none",
        )


def _check_components(config: Settings) -> None:
    """ConfigError if posterior or likelihood cannot start as a linear model."""
    for family, method in (("posterior", "init_from_components"), ("likelihood", "link")):
        kinds = [kind for kind, part in FAMILIES[family].items() if method in vars(part)]
        if config.part(family).kind not in kinds:
            raise ConfigError.for_value(
                family,
                config.part(family).kind,
                " or ".join(map(repr, kinds)),
                problem=f"components need another {family}",
                fix="Or set components to false",
            )


def _unwrapped(part: nn.Module) -> nn.Module:
    part = without_normalization(part)
    while isinstance(part, ComponentsEncoder | ComponentsDecoder | ConditionedNet):
        part = part.net
    return part


def _with_condition(shape: int | Sequence[int], classes: int) -> tuple[int, ...] | int:
    """A shape with as many more entries, or channels, as a condition has classes."""
    if isinstance(shape, int):
        return shape + classes
    return (shape[0] + classes, *shape[1:]) if shape else ()


def resolve(config: Settings, profile: DataProfile) -> Settings:
    """The configuration with all choices that depend on the data made.

    Those are the shape, latent_dim, likelihood and prior.

    Args:
        config: A configuration.
        profile: Properties of the data.

    Raises:
        ConfigError: The configuration is for another shape.
    """
    expected = config.data.shape
    if expected is not None and tuple(expected) != profile.shape:
        raise ConfigError.for_value(
            "data.shape",
            profile.shape,
            f"{tuple(expected)} as in the configuration",
            problem="the examples have the wrong shape",
        )
    normalize = _normalize_for(config, profile)
    if normalize != "none":
        profile = replace(profile, support="real")
    choices = {
        "latent_dim": config.latent_dim or default_latent_dim(profile),
        "likelihood": _likelihood_for(config, profile),
        "prior": config.part("prior") or {"kind": _prior_for(config)},
        "data": {"shape": profile.shape, "normalize": normalize},
    }
    return config.changed(to_plain(choices))


def _likelihood_for(config: Settings, profile: DataProfile) -> PlainOptions:
    """The configured likelihood, or the default one, with the levels of the data."""
    chosen = config.part("likelihood")
    if chosen is None:
        return {"kind": default_likelihood(profile)}
    options = chosen.model_dump()
    if profile.levels and options.get("levels", profile.levels) is None:
        options["levels"] = profile.levels
    return options


def _normalize_for(config: Settings, profile: DataProfile) -> str:
    """The configured normalization, or the default one.

    Parts of the user's own see data as they are; so does a configured likelihood, unless the data
    are real.
    """
    if config.data.normalize is not None:
        return config.data.normalize
    if any(isinstance(config.part(name), Custom) for name in ("encoder", "likelihood")):
        return "none"
    if config.part("likelihood") is not None and profile.support != "real":
        return "none"
    return default_normalization(profile)


def _prior_for(config: Settings) -> str:
    """The default prior of the posterior."""
    posterior = FAMILIES["posterior"].get(config.part("posterior").kind)
    return getattr(posterior, "prior", "standard-normal")


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
