"""Upgrade files of older run folders while they are read; what is on disk is not changed.

The configuration is upgraded by `vaekit.config.upgrade`. A later format adds one step to each.
"""

from collections.abc import Mapping

from vaekit.config.upgrade import Content, Step, apply_steps, rename_keys
from vaekit.json_types import JsonObject

SUMMARY_DATA_KEYS_1 = {"rows": "examples"}
VALIDATION_1 = {
    "held out of training": "held out of the training examples",
    "the test rows, as in the original protocol": "the test examples, as in the original protocol",
}
HISTORY_COLUMNS_1 = {"updates": "step"}
UNAVAILABLE_PREFIX_1 = "why_no_"
"""In format 1, `why_no_X` held the reason why metric X was null."""


def upgrade_summary(content: Content) -> JsonObject:
    """The mapping of a summary.json in the current format."""
    return apply_steps(content, SUMMARY_STEPS)


def upgrade_history(columns: Content) -> JsonObject:
    """The columns of a metrics.csv, which has no format number, under their current names."""
    return rename_keys(columns, HISTORY_COLUMNS_1)


def _summary_1_to_2(content: Content) -> JsonObject:
    upgraded = {**content, "format": 2, "unit": "nats per example"}
    data = content.get("data")
    test = content.get("test")
    if isinstance(data, Mapping):
        upgraded["data"] = _data_1_to_2(data)
    if isinstance(test, Mapping):
        upgraded["test"] = _metrics_1_to_2(test)
    return upgraded


def _data_1_to_2(data: Content) -> JsonObject:
    upgraded = rename_keys(data, SUMMARY_DATA_KEYS_1)
    validation = data.get("validation")
    if isinstance(validation, str):
        upgraded["validation"] = VALIDATION_1.get(validation, validation)
    if isinstance(data.get("streamed"), Mapping):
        upgraded["streamed"] = rename_keys(data["streamed"], SUMMARY_DATA_KEYS_1)
    return upgraded


def _metrics_1_to_2(metrics: Content) -> JsonObject:
    """Metrics, with the reason instead of a null value."""
    upgraded: JsonObject = {}
    for name, metric in metrics.items():
        if name.startswith(UNAVAILABLE_PREFIX_1):
            continue
        if metric is None:
            reason = metrics.get(UNAVAILABLE_PREFIX_1 + name, "not recorded")
            metric = {"value": None, "unavailable": reason}
        upgraded[name] = metric
    return upgraded


SUMMARY_STEPS: dict[int, Step] = {1: _summary_1_to_2}
