"""Upgrade configurations of older formats while they are read; the file on disk is not changed.

Each step turns the content of one format into that of the next. A later format adds one step here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from vaekit.config.schema import FORMAT
from vaekit.errors import ConfigError
from vaekit.json_types import JsonObject

Content = Mapping[str, Any]
"""The content of a file in YAML or JSON, of any format."""
Step = Callable[[Content], JsonObject]

CONFIG_KEYS_1 = {
    "data": {
        "limit": "train_size",
        "buffer": "shuffle_buffer",
        "readers": "num_workers",
        "streamed_rows": "streamed_examples",
    },
    "training": {"updates": "max_steps", "clip": "grad_clip_norm"},
    "prior_stage": {"updates": "max_steps"},
    "posterior": {"revive": "dead_code_threshold"},
}
"""Keys of format 1 by section, with their names in format 2."""
PART_KINDS_1 = {"posterior": {"vector-quantised": "vector-quantized"}}
"""Kinds of parts of format 1 by family, with their names in format 2."""


def upgrade_config(content: Content) -> JsonObject:
    """A configuration in the current format.

    Args:
        content: The mapping of a YAML file; without a format it is in the current one.

    Raises:
        ConfigError: The format is newer than this version of vaekit.
    """
    return apply_steps(content, CONFIG_STEPS)


def apply_steps(content: Content, steps: Mapping[int, Step]) -> JsonObject:
    """Apply the upgrade steps from the format of the content to the current one."""
    version = content.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise ConfigError.for_value(
            "format",
            version,
            f"at most {FORMAT}",
            problem="the format is too new",
            fix="Install a newer vaekit",
        )
    upgraded = dict(content)
    while isinstance(version, int) and version in steps:
        upgraded = steps[version](upgraded)
        version = upgraded["format"]
    return upgraded


def rename_keys(content: Content, names: Mapping[str, str]) -> JsonObject:
    """The content with some keys renamed, in the same order."""
    return {names.get(key, key): value for key, value in content.items()}


def _config_1_to_2(content: Content) -> JsonObject:
    upgraded = {**content, "format": 2}
    for section, names in CONFIG_KEYS_1.items():
        if isinstance(content.get(section), Mapping):
            upgraded[section] = rename_keys(content[section], names)
    for family, kinds in PART_KINDS_1.items():
        if family in upgraded:
            upgraded[family] = _rename_kind(upgraded[family], kinds)
    return upgraded


def _rename_kind(part: Any, kinds: Mapping[str, str]) -> Any:
    """A part, or its kind alone, with the kind renamed."""
    if isinstance(part, str):
        return kinds.get(part, part)
    if isinstance(part, Mapping) and isinstance(part.get("kind"), str):
        return {**part, "kind": kinds.get(part["kind"], part["kind"])}
    return part


CONFIG_STEPS: dict[int, Step] = {1: _config_1_to_2}
