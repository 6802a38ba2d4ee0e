"""Every key of the configuration with its type, default and meaning."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from vaekit.config.schema import DEFAULT_PARTS, FAMILIES, SECTIONS, Settings, schema
from vaekit.errors import ConfigError

GENERAL = "general"
"""The section of the keys at the top level."""

FAMILY_MEANINGS = {
    "encoder": "Net from data to features",
    "posterior": "Family of q(z|x)",
    "prior": "Family of p(z); null: the default of the posterior",
    "decoder": "Net from latent codes to parameters of the likelihood",
    "likelihood": "Family of p(x|z); null: bernoulli for binary data and nearly binary gray "
    "images, else gaussian",
    "objective": "Loss that training minimizes",
    "optimizer": "Optimizer of the weights",
    "schedule": "Schedule of the learning rate",
}


class ConfigKey(NamedTuple):
    """A key of the configuration.

    Args:
        name: The key, such as `training.epochs` or `encoder.hidden`.
        type: Its type, in words.
        default: Its default as a configuration file writes it.
        meaning: Its meaning, one phrase.
        section: Its section: general, data, training, prior_stage, or a family of parts.
        kind: The part that it is an option of, such as `conv`; empty for keys of no part.
    """

    name: str
    type: str
    default: str
    meaning: str
    section: str
    kind: str = ""


def config_keys(section: str | None = None) -> list[ConfigKey]:
    """The keys of a section, or of all sections.

    Args:
        section: general, data, training, prior_stage, or a family of parts, such as encoder.

    Raises:
        ConfigError: There is no such section.

    >>> [key.name for key in config_keys("schedule") if key.kind in ("", "cosine")]
    ['schedule.kind', 'schedule.warmup']
    """
    sections = [GENERAL, "data", "training", "prior_stage", *FAMILIES]
    if section is None:
        return [key for name in sections for key in config_keys(name)]
    if section not in sections:
        raise ConfigError.unknown("section", section, sections, parameter="section")
    return list(_keys(section))


def _keys(section: str) -> Iterator[ConfigKey]:
    if section == GENERAL:
        yield from _keys_of(Settings, GENERAL)
    elif section in SECTIONS:
        yield from _keys_of(SECTIONS[section], section)
    else:
        yield _kind_key(section)
        for kind, part in FAMILIES[section].items():
            yield from _keys_of(schema(kind, part), section, kind)


def _keys_of(options: type[BaseModel], section: str, kind: str = "") -> Iterator[ConfigKey]:
    """The keys of a section or a part, from its fields."""
    prefix = "" if section == GENERAL else f"{section}."
    properties = options.model_json_schema()["properties"]
    for name, field in options.model_fields.items():
        if name != "kind" and name not in SECTIONS:
            yield ConfigKey(
                name=f"{prefix}{name}",
                type=_type_text(properties[name]),
                default=_value_text(field.default),
                meaning=field.description or "",
                section=section,
                kind=kind,
            )


def _kind_key(family: str) -> ConfigKey:
    """The key that names the part of a family."""
    default = DEFAULT_PARTS[family]
    return ConfigKey(
        name=f"{family}.kind",
        type=" | ".join(FAMILIES[family]),
        default=default["kind"] if default else "null",
        meaning=FAMILY_MEANINGS[family],
        section=family,
    )


def _value_text(value: Any) -> str:
    """A value as a configuration file writes it."""
    return value if isinstance(value, str) else json.dumps(value)


NUMBER_TYPES = {"integer": "int", "number": "float"}
SIMPLE_TYPES = {"boolean": "bool", "string": "text", "null": "null", "object": "mapping"}
BOUNDS = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
}


def _type_text(field: Mapping[str, Any]) -> str:
    """The type of a field in words, from its JSON schema."""
    if "anyOf" in field:
        return " | ".join(_type_text(option) for option in field["anyOf"])
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    if "const" in field:
        return str(field["const"])
    kind = field.get("type", "object")
    if kind == "array":
        return _array_text(field)
    if kind in NUMBER_TYPES:
        bounds = [f"{sign} {field[name]}" for name, sign in BOUNDS.items() if name in field]
        return f"{NUMBER_TYPES[kind]} {' and '.join(bounds)}".rstrip()
    return SIMPLE_TYPES[kind]


def _array_text(field: Mapping[str, Any]) -> str:
    if "prefixItems" in field:
        return f"[{', '.join(_type_text(item) for item in field['prefixItems'])}]"
    return f"list of {_type_text(field['items'])}"
