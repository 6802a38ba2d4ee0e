"""Configurations from YAML: recipes, files and `key=value` assignments."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vaekit import recipes
from vaekit.arguments import as_path
from vaekit.config.plain_yaml import load_plain
from vaekit.config.schema import DEFAULT_PARTS, PlainOptions, Settings, merge, validate
from vaekit.config.upgrade import upgrade_config
from vaekit.errors import ConfigError
from vaekit.files.regular import read_regular

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
        ConfigError: The text is no YAML, or has tags, aliases, or too many values.
    """
    try:
        return load_plain(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        position = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise _unreadable(f"{name}{position}", problem, parameter) from None
    except ValueError as error:
        raise _unreadable(name, type(error).__name__, parameter) from None


def _unreadable(name: str, problem: str, parameter: str | None) -> ConfigError:
    one_line = " ".join(problem.split())
    return ConfigError(f"{name} is not readable as YAML. {one_line}.", parameter=parameter)


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
        content.pop("run_id", None)  # of a run whose configuration this is
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
