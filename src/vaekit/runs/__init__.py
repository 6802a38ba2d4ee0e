"""Runs: the object, the folder that it is kept in, and its data."""

from vaekit.runs.claim import Claim, check_claimable, claim_existing, claim_folder
from vaekit.runs.destination import check_destination, checked_at_the_end, plots_folder
from vaekit.runs.files import (
    CHECKPOINTS,
    CONFIG,
    FILES,
    METRICS,
    PLOTS,
    REPORT,
    SPLIT,
    SUMMARY,
    WEIGHTS,
    has_file,
    read_file,
    subfolder,
)
from vaekit.runs.folder import (
    load_config,
    load_run_config,
    load_split,
    load_summary,
    save_config,
    save_split,
    save_summary,
)
from vaekit.runs.history import load_history, save_metrics
from vaekit.runs.loading import as_run, load_run
from vaekit.runs.lock import LOCK, FolderLock
from vaekit.runs.run import Run, check_count
from vaekit.runs.run_id import RUN_ID, RunId, check_run_id
from vaekit.runs.saved_plots import MAX_PLOT_BYTES, saved_plots
from vaekit.runs.verdict import Finding
from vaekit.runs.weights import load_weights, save_weights

__all__ = [
    "CHECKPOINTS",
    "CONFIG",
    "FILES",
    "LOCK",
    "MAX_PLOT_BYTES",
    "METRICS",
    "PLOTS",
    "REPORT",
    "RUN_ID",
    "SPLIT",
    "SUMMARY",
    "WEIGHTS",
    "Claim",
    "Finding",
    "FolderLock",
    "Run",
    "RunId",
    "as_run",
    "check_claimable",
    "check_count",
    "check_destination",
    "check_run_id",
    "checked_at_the_end",
    "claim_existing",
    "claim_folder",
    "has_file",
    "load_config",
    "load_history",
    "load_run",
    "load_run_config",
    "load_split",
    "load_summary",
    "load_weights",
    "plots_folder",
    "read_file",
    "save_config",
    "save_metrics",
    "save_split",
    "save_summary",
    "save_weights",
    "saved_plots",
    "subfolder",
]
