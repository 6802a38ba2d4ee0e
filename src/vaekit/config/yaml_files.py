"""Configurations from YAML: recipes, files and `key=value` assignments."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
import yaml.composer
import yaml.constructor

from vaekit import recipes
from vaekit.config.schema import DEFAULT_PARTS, Settings, merge, validate
from vaekit.config.upgrade import upgrade_config
from vaekit.errors import ConfigError

MAX_CONFIG_BYTES = 1_000_000


def parse_mapping(text: str, name: str) -> dict[str, Any]:
    """A YAML mapping, read without tags, aliases or excessive size; ConfigError naming `name`."""
    if len(text) > MAX_CONFIG_BYTES:
        raise ConfigError(
            f"{name} has {len(text):,} characters, at most {MAX_CONFIG_BYTES:,} are allowed"
        )
    given = parse_value(text, name)
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise ConfigError(
            f"{name} is not a mapping of keys to values: see `vaekit recipes show conv` for one that is"
        )
    return given


def parse_value(text: str, name: str) -> Any:
    try:
        return yaml.load(text, _PlainLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{name}{where}: not readable as YAML: {problem}") from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"{name}: not readable as YAML: {type(error).__name__}") from None


class _PlainLoader(yaml.SafeLoader):
    """YAML of plain values: no tags, no aliases (with which little stands for much), no dates, no numbers to base 60."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012 - filled below

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent, index):
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise yaml.composer.ComposerError(
                None, None, "aliases and tags are not allowed", event.start_mark
            )
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False", "tfTF"),
    ("null", r"~|null|", "~n"),
    ("int", r"[-+]?[0-9]{1,19}", "-+0123456789"),
    (
        "float",
        r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?|[-+]?\.inf|\.nan",
        "-+.0123456789",
    ),
):
    _PlainLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first, ""]
    )


def assignments(pairs: list[str]) -> dict[str, Any]:
    """`["objective.beta=4"]` -> {"objective": {"beta": 4}}; ConfigError for a pair without `=`."""
    result: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not all(key.split(".")) or key.count(".") > 9:
            raise ConfigError(f"--set takes key=value, such as objective.beta=4, not {pair!r}")
        nested: Any = parse_value(value, f"--set {key}")
        for name in reversed(key.split(".")):
            nested = {name: nested}
        result = merge(result, nested)
    return result


def load_config_file(recipe: str | None, *overrides: Mapping[str, Any]) -> Settings:
    """A recipe by name, or a configuration file by path, with overrides on top in order."""
    name = recipe or recipes.DEFAULT
    complete: Mapping[str, Any] = DEFAULT_PARTS
    if name.endswith((".yaml", ".yml")):
        given = upgrade_config(parse_mapping(_read(Path(name)), name))
        given.setdefault("recipe", re.sub(r"[^\w.-]", "-", Path(name).stem)[:100])
    else:
        given = parse_mapping(recipes.text(name), f"recipe {name}") | {"recipe": name}
    for over in (given, *overrides):
        complete = merge(complete, over)
    return validate(complete)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_CONFIG_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"configuration file {path}: {reason}") from None
