"""Upgrade run folders of older formats while they are read; what is on disk stays as it is.

Each step turns the content of one format into that of the next. A later format adds one step here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from vaekit.config import FORMAT
from vaekit.errors import RunError

Content = Mapping[str, Any]

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
KINDS_1 = {"vector-quantised": "vector-quantized"}
SUMMARY_DATA_KEYS_1 = {"rows": "examples"}
HISTORY_COLUMNS_1 = {"updates": "step"}


def upgrade_config(content: Content) -> dict[str, Any]:
    """The mapping of a config.yaml in the current format; RunError for a format from the future."""
    return _upgrade(content, CONFIG_STEPS)


def upgrade_summary(content: Content) -> dict[str, Any]:
    """The mapping of a summary.json in the current format."""
    return _upgrade(content, SUMMARY_STEPS)


def upgrade_history(columns: Content) -> dict[str, Any]:
    """The columns of a metrics.csv, which has no format number, under their current names."""
    return _renamed(columns, HISTORY_COLUMNS_1)


def _upgrade(
    content: Content, steps: Mapping[int, Callable[[Content], dict[str, Any]]]
) -> dict[str, Any]:
    version = content.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise RunError(
            f"the run folder is too new: got format {version}, expected at most {FORMAT}. "
            "Install a newer vaekit."
        )
    upgraded = dict(content)
    while upgraded.get("format") in steps:
        upgraded = steps[upgraded["format"]](upgraded)
    return upgraded


def _config_1_to_2(content: Content) -> dict[str, Any]:
    upgraded = dict(content) | {"format": 2}
    for section, keys in CONFIG_KEYS_1.items():
        if isinstance(content.get(section), Mapping):
            upgraded[section] = _renamed(content[section], keys)
    posterior = upgraded.get("posterior")
    if isinstance(posterior, Mapping) and posterior.get("kind") in KINDS_1:
        upgraded["posterior"] = {**posterior, "kind": KINDS_1[posterior["kind"]]}
    return upgraded


def _summary_1_to_2(content: Content) -> dict[str, Any]:
    upgraded = dict(content) | {"format": 2, "unit": "nats per example"}
    data = content.get("data")
    if isinstance(data, Mapping):
        data = _renamed(data, SUMMARY_DATA_KEYS_1)
        if isinstance(data.get("streamed"), Mapping):
            data["streamed"] = _renamed(data["streamed"], SUMMARY_DATA_KEYS_1)
        upgraded["data"] = data
    return upgraded


def _renamed(content: Content, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in content.items()}


CONFIG_STEPS = {1: _config_1_to_2}
SUMMARY_STEPS = {1: _summary_1_to_2}
