"""Runs: the object, the folder that it is kept in, and its data."""

from vaekit.runs.claim import claim_folder
from vaekit.runs.folder import (
    CHECKPOINT,
    CONFIG,
    FILES,
    MAX_TEXT_BYTES,
    METRICS,
    PLOTS,
    REPORT,
    SPLIT,
    SUMMARY,
    WEIGHTS,
    load_config,
    load_history,
    load_split,
    load_summary,
    load_weights,
    save_config,
    save_metrics,
    save_split,
    save_summary,
    save_weights,
)
from vaekit.runs.loading import as_run, load_run
from vaekit.runs.run import Run, check_count
from vaekit.runs.verdict import Finding

__all__ = [
    "CHECKPOINT",
    "CONFIG",
    "FILES",
    "MAX_TEXT_BYTES",
    "METRICS",
    "PLOTS",
    "REPORT",
    "SPLIT",
    "SUMMARY",
    "WEIGHTS",
    "Finding",
    "Run",
    "as_run",
    "check_count",
    "claim_folder",
    "load_config",
    "load_history",
    "load_run",
    "load_split",
    "load_summary",
    "load_weights",
    "save_config",
    "save_metrics",
    "save_split",
    "save_summary",
    "save_weights",
]
