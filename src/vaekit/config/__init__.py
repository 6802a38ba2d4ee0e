"""Configuration: one typed record of everything that defines a run.

The options of parts are derived from their constructors.
"""

from vaekit.config.builder import build_model, build_part, describe_model, describe_part, resolve
from vaekit.config.defaults import DataProfile, default_recipe, explain_defaults
from vaekit.config.keys import ConfigKey, config_keys
from vaekit.config.schema import (
    FAMILIES,
    FORMAT,
    MODEL_PARTS,
    Config,
    Custom,
    Settings,
    TrainingOptions,
    merge,
    schema,
    to_plain,
    validate,
)
from vaekit.config.yaml_files import (
    MAX_CONFIG_BYTES,
    assignments,
    load_config_file,
    parse_mapping,
    parse_value,
)

__all__ = [
    "FAMILIES",
    "FORMAT",
    "MAX_CONFIG_BYTES",
    "MODEL_PARTS",
    "Config",
    "ConfigKey",
    "Custom",
    "DataProfile",
    "Settings",
    "TrainingOptions",
    "assignments",
    "build_model",
    "build_part",
    "config_keys",
    "default_recipe",
    "describe_model",
    "describe_part",
    "explain_defaults",
    "load_config_file",
    "merge",
    "parse_mapping",
    "parse_value",
    "resolve",
    "schema",
    "to_plain",
    "validate",
]
