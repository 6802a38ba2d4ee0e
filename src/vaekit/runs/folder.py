"""The configuration, summary and split of a run folder, format 2 (docs/run-folder.md).

Written atomically and read with distrust: reading imports no code that a file names and executes
nothing.
"""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vaekit import config as configuration
from vaekit.config import Settings
from vaekit.config.upgrade import upgrade_config
from vaekit.data.readers.npz import read_npz
from vaekit.data.splits import MAX_FILE_BYTES as MAX_SPLIT_BYTES
from vaekit.data.splits import Split
from vaekit.errors import ConfigError, DataError, RunError
from vaekit.files.atomic import atomic_write, atomic_write_bytes
from vaekit.json_types import JsonObject
from vaekit.runs.files import CONFIG, SPLIT, SUMMARY, has_file, read_file
from vaekit.runs.run_id import RUN_ID, RunId, as_run_id, check_run_id
from vaekit.runs.summary import parse_summary

MAX_SUMMARY_BYTES = 1_000_000


# --- Configuration ---------------------------------------------------------------------------


class RunConfig(NamedTuple):
    """The content of a config.yaml.

    Attributes:
        settings: The configuration.
        run_id: Which run it belongs to.
    """

    settings: Settings
    run_id: RunId


def save_config(folder: Path, config: Settings, run_id: RunId) -> None:
    """Write config.yaml; ConfigError if it would be too large to be read again."""
    text = config.to_yaml() if run_id is None else f'{RUN_ID}: "{run_id}"\n{config.to_yaml()}'
    if len(text) > configuration.MAX_CONFIG_BYTES:
        raise ConfigError.for_value(
            "data.classes",
            f"{len(text):,} bytes",
            f"at most {configuration.MAX_CONFIG_BYTES:,}",
            problem="the configuration is too large",
            fix="Use fewer or shorter class names",
        )
    atomic_write_bytes(folder / CONFIG, text)


def load_config(path: str | os.PathLike) -> Settings:
    """Read the configuration of a run folder.

    Args:
        path: The folder.

    Raises:
        RunError: The configuration is missing, from a newer format, or invalid.
    """
    return load_run_config(path).settings


def load_run_config(path: str | os.PathLike) -> RunConfig:
    """Read the configuration of a run folder and its run id, as `load_config`."""
    folder = Path(path)
    _check_folder(folder)
    text = _text(folder, CONFIG, configuration.MAX_CONFIG_BYTES)
    try:
        content = configuration.parse_mapping(text, str(folder / CONFIG))
        run_id = as_run_id(content.pop(RUN_ID, None), folder / CONFIG)
        return RunConfig(configuration.validate(upgrade_config(content)), run_id)
    except ConfigError as error:
        raise unusable(folder, error) from None


def _check_folder(folder: Path) -> None:
    """RunError unless a path names a folder."""
    try:
        is_folder, exists = folder.is_dir(), folder.exists()
    except OSError as error:
        raise RunError(
            f"cannot read {folder}: {error.strerror}. Choose the folder of a run.", parameter="run"
        ) from None
    if not is_folder:
        problem = "is not a folder" if exists else "does not exist"
        raise RunError(f"{folder} {problem}. Choose the folder of a run.", parameter="run")


def unusable(folder: Path, error: Exception) -> RunError:
    """An error about a folder whose content is invalid, with the parameter at fault."""
    message = str(error).splitlines()[0].rstrip(".")
    parameter = getattr(error, "parameter", None)
    return RunError(f"{folder} is not a usable run folder: {message}.", parameter=parameter)


# --- Summary ---------------------------------------------------------------------------------


def save_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write summary.json; a folder that has it is complete."""
    atomic_write_bytes(folder / SUMMARY, json.dumps(summary, indent=2) + "\n")


def load_summary(folder: Path, run_id: RunId) -> JsonObject:
    """The validated content of summary.json; empty without the file.

    Args:
        folder: The run folder.
        run_id: The run id in the configuration of the folder.

    Raises:
        RunError: The file is too large, not JSON, of another run, or a key has a wrong type.
    """
    if not has_file(folder, SUMMARY):
        return {}
    path = folder / SUMMARY
    summary = parse_summary(_text(folder, SUMMARY, MAX_SUMMARY_BYTES), str(path))
    check_run_id(summary.get(RUN_ID), run_id, path)
    return summary


def _text(folder: Path, name: str, limit_bytes: int) -> str:
    try:
        return read_file(folder, name, limit_bytes).decode("utf-8")
    except UnicodeDecodeError:
        raise RunError(f"{folder / name} is damaged: it is not UTF-8 text. Restore it.") from None


# --- Split -----------------------------------------------------------------------------------


def save_split(folder: Path, split: Split, run_id: RunId) -> None:
    """Write split.npz."""
    identity = {} if run_id is None else {RUN_ID: np.array(run_id)}
    with atomic_write(folder / SPLIT) as file:
        np.savez_compressed(file, **split.arrays(), **identity)  # type: ignore[arg-type]


def load_split(folder: Path, run_id: RunId, summary: Mapping[str, Any]) -> Split:
    """Read the split of a run.

    Args:
        folder: The run folder.
        run_id: The run id in the configuration of the folder.
        summary: The content of summary.json; empty while training has not finished.

    Raises:
        RunError: The split is missing, damaged, or that of another run.
    """
    path = folder / SPLIT
    content = read_file(folder, SPLIT, MAX_SPLIT_BYTES)
    try:
        arrays = read_npz(io.BytesIO(content), path, limit_bytes=MAX_SPLIT_BYTES)
        found = arrays.pop(RUN_ID, None)
        split = Split.from_arrays(arrays, path)
    except DataError as error:
        raise RunError(str(error)) from None
    check_run_id(None if found is None else str(found), run_id, path)
    counts = split.counts()
    recorded = summary.get("data", {}).get("examples", counts)
    if counts != recorded:
        raise RunError(
            f"{path} belongs to another run: got the example counts {counts}, "
            f"expected {recorded} as in {SUMMARY}. Restore the file."
        )
    return split
