"""Errors of validation as one line about one key of the configuration."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vaekit.errors import ConfigError, shown, suggest
from vaekit.validated_init import expected_values

UNION_MEMBERS = {"constrained-float", "constrained-int", "float", "int", "str"}
"""Names that pydantic puts into the location of an error for the members of a union of types."""

UNKNOWN_KEY = "extra_forbidden"
WRONG_KIND = ("union_tag_invalid", "union_tag_not_found")
LIKELY_SECTIONS = ("training", "data")
LIKELY_FAMILIES = ("optimizer", "objective")


@dataclass(frozen=True)
class Schema:
    """The keys of configurations.

    Args:
        top_level: Keys of the top level.
        sections: Keys of each section.
        families: Kinds of each family of parts.
        options_of: Options of the part of a family and kind.
    """

    top_level: Sequence[str]
    sections: Mapping[str, Sequence[str]]
    families: Mapping[str, Sequence[str]]
    options_of: Callable[[str, str], Sequence[str]]


def config_error(error: ValidationError, schema: Schema) -> ConfigError:
    """The first problem of a configuration; `parameter` is the key."""
    errors = error.errors(include_url=False)
    first = errors[0]
    location = _location(first)
    if not location:
        return ConfigError("a key is no text in UTF-8. Write keys in UTF-8.")
    allowed = schema.top_level
    if location[0] in schema.families and len(location) > 1:
        kind = location.pop(1)
        allowed = schema.options_of(location[0], kind)
    elif location[0] in schema.sections:
        allowed = schema.sections[location[0]]
    key = ".".join(location)
    if first["type"] == UNKNOWN_KEY:
        return _unknown_key(key, allowed, schema)
    if first["type"] in WRONG_KIND:
        return _wrong_kind(key, first["input"], schema.families[location[0]])
    if first["type"] == "missing":
        return ConfigError(f"{key} is missing. Set it.", parameter=key)
    same_value = [e for e in errors if _has_prefix(e["loc"], first["loc"][: len(location)])]
    return ConfigError.for_value(key, first["input"], expected_values(same_value))


def _unknown_key(key: str, allowed: Sequence[str], schema: Schema) -> ConfigError:
    section = next((name for name, keys in _likely_sections(schema) if key in keys), None)
    if section is not None:
        fix = f"Did you mean {f'{section}.{key}'!r}? Set that key instead."
    else:
        fix = f"{suggest(key.rpartition('.')[2], allowed)}."
    return ConfigError(f"unknown key: got {shown(key)}. {fix}", parameter=key)


def _wrong_kind(family: str, value: Any, kinds: Sequence[str]) -> ConfigError:
    kind = value.get("kind") if isinstance(value, Mapping) else value
    if kind is None:
        return ConfigError(
            f"{family}.kind is missing. {suggest('', kinds)}.", parameter=f"{family}.kind"
        )
    return ConfigError.unknown(family, kind, kinds, parameter=family)


def _likely_sections(schema: Schema) -> Iterator[tuple[str, Sequence[str]]]:
    """Sections and families in which a key may belong, the likeliest first."""
    for name in LIKELY_SECTIONS:
        yield name, schema.sections[name]
    for family in LIKELY_FAMILIES:
        for kind in schema.families[family]:
            yield family, schema.options_of(family, kind)
    yield "prior_stage", schema.sections["prior_stage"]


def _location(error: Mapping[str, Any]) -> list[str]:
    """The keys that lead to an error, without the names of union members."""
    keys = [str(part) for part in error["loc"]]
    if error["type"] == UNKNOWN_KEY:  # the last one is the user's own, whatever its name
        return keys
    return [key for key in keys if key.isdecimal() or _is_key(key)]


def _is_key(name: str) -> bool:
    return name.replace("-", "_").isidentifier() and name not in UNION_MEMBERS


def _has_prefix(location: Sequence[Any], prefix: Sequence[Any]) -> bool:
    return tuple(location[: len(prefix)]) == tuple(prefix)
