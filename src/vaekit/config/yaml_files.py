"""Configurations from YAML: recipes, files and `key=value` assignments."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
import yaml.composer
import yaml.constructor

from vaekit import recipes
from vaekit.arguments import as_path
from vaekit.config.schema import DEFAULT_PARTS, PlainOptions, Settings, merge, validate
from vaekit.config.upgrade import upgrade_config
from vaekit.errors import ConfigError
from vaekit.regular_files import read_regular

MAX_CONFIG_BYTES = 1_000_000
MAX_KEY_DEPTH = 10
MAX_NAME_CHARACTERS = 100


def parse_mapping(text: str, name: str, parameter: str | None = None) -> PlainOptions:
    """A YAML mapping, read without tags, aliases or excessive size.

    Args:
        text: The YAML.
        name: The name of the text in errors.
        parameter: The parameter that the text belongs to.

    Raises:
        ConfigError: The text is no such mapping.
    """
    if len(text) > MAX_CONFIG_BYTES:
        raise ConfigError(
            f"{name} is too large: got {len(text):,} characters, "
            f"expected at most {MAX_CONFIG_BYTES:,}.",
            parameter=parameter,
        )
    content = parse_value(text, name, parameter)
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigError(
            f"{name} is not a mapping of keys to values. "
            "See `vaekit recipes show conv` for an example.",
            parameter=parameter,
        )
    return content


def parse_value(text: str, name: str, parameter: str | None = None) -> Any:
    """A plain YAML value.

    Args:
        text: The YAML.
        name: The name of the text in errors.
        parameter: The parameter that the text belongs to.

    Raises:
        ConfigError: The text is no YAML, or has tags or aliases.
    """
    try:
        return yaml.load(text, _PlainLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        position = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise _unreadable(f"{name}{position}", problem, parameter) from None
    except (RecursionError, ValueError) as error:
        raise _unreadable(name, type(error).__name__, parameter) from None


def _unreadable(name: str, problem: str, parameter: str | None) -> ConfigError:
    one_line = " ".join(problem.split())
    return ConfigError(f"{name} is not readable as YAML. {one_line}.", parameter=parameter)


class _PlainLoader(yaml.SafeLoader):
    """A loader of plain values: no tags, aliases, dates, or numbers to base 60.

    With aliases a small file could stand for a huge value.
    """

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012 - filled below

    def construct_mapping(self, node, deep=False):
        """A mapping whose keys are unique."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent, index):
        """A node that is neither an alias nor has a tag."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise yaml.composer.ComposerError(
                None, None, "aliases and tags are not allowed", event.start_mark
            )
        return super().compose_node(parent, index)


PLAIN_VALUES = {
    "bool": (r"true|false|True|False", "tfTF"),
    "null": (r"~|null|", "~n"),
    "int": (r"[-+]?[0-9]{1,19}", "-+0123456789"),
    "float": (
        r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?|[-+]?\.inf|\.nan",
        "-+.0123456789",
    ),
}
"""Pattern and possible first characters of each type of plain value; all others are text."""

for _type, (_pattern, _first_characters) in PLAIN_VALUES.items():
    _PlainLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_type}", re.compile(f"^(?:{_pattern})$"), [*_first_characters, ""]
    )


def assignments(pairs: list[str]) -> PlainOptions:
    """Nested options from `key=value` texts, the later ones on top.

    Args:
        pairs: Texts such as `objective.beta=4`.

    Raises:
        ConfigError: A text has no `=`, or no valid key.

    >>> assignments(["objective.beta=4", "objective.warmup=100"])
    {'objective': {'beta': 4, 'warmup': 100}}
    """
    result: PlainOptions = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        names = key.split(".")
        if not equals or not all(names) or len(names) > MAX_KEY_DEPTH:
            raise ConfigError.for_value("settings", pair, "key=value, such as objective.beta=4")
        nested: Any = parse_value(value, f"the value of {key}", "settings")
        for name in reversed(names):
            nested = {name: nested}
        result = merge(result, nested)
    return result


def load_config_file(recipe: str | None, *overrides: Mapping[str, Any]) -> Settings:
    """The configuration of a recipe or a file.

    Args:
        recipe: The name of a recipe, or the path of a YAML file; None: the default recipe.
        overrides: Nested options on top, the later ones above the earlier.

    Raises:
        ConfigError: There is no such recipe or file, or its content is not allowed.
    """
    name = str(as_path("model", recipes.DEFAULT if recipe is None else recipe))
    if name.endswith((".yaml", ".yml")):
        content = upgrade_config(parse_mapping(_read(Path(name)), name, "recipe"))
        content.setdefault("recipe", _recipe_name(Path(name)))
    else:
        content = parse_mapping(recipes.text(name), f"recipe {name}", "recipe")
        content["recipe"] = name
    complete: Mapping[str, Any] = DEFAULT_PARTS
    for changes in (content, *overrides):
        complete = merge(complete, changes)
    return validate(complete)


def _recipe_name(path: Path) -> str:
    """The name of a file as the name of a recipe."""
    return re.sub(r"[^\w.-]", "-", path.stem)[:MAX_NAME_CHARACTERS]


def _read(path: Path) -> str:
    try:
        return read_regular(path, MAX_CONFIG_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"cannot read the configuration file {path}: {reason}. Check its path.",
            parameter="recipe",
        ) from None
