"""The files of run folders, format 2 (docs/run-folder.md): written atomically, read with distrust.

Reading imports no code that a file names and executes nothing: YAML without tags or aliases,
safetensors compared with the model before memory is allocated, JSON and CSV of bounded size.
"""

import csv
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vaekit import config as configuration
from vaekit.atomic_io import atomic_write, atomic_write_bytes
from vaekit.config import FORMAT, Settings
from vaekit.config.upgrade import upgrade_config
from vaekit.core.vae import VAE
from vaekit.data.splits import Split
from vaekit.errors import ConfigError, DataError, RunError
from vaekit.json_types import JsonObject
from vaekit.runs.summary import parse_summary
from vaekit.runs.upgrade import upgrade_history

CONFIG = "config.yaml"
WEIGHTS = "model.safetensors"
METRICS = "metrics.csv"
SUMMARY = "summary.json"
SPLIT = "split.npz"
CHECKPOINT = "checkpoints/last.ckpt"
PLOTS = "plots"
REPORT = "report.html"
FILES = (CONFIG, WEIGHTS, METRICS, SUMMARY, SPLIT)
MAX_TEXT_BYTES = 50_000_000

# --- Configuration ---------------------------------------------------------------------------


def save_config(folder: Path, config: Settings) -> None:
    """Write config.yaml; ConfigError if it would be too large to be read again."""
    text = config.to_yaml()
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
    folder = Path(path)
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise RunError(f"{folder} {problem}. Choose the folder of a run.", parameter="run")
    text = _read_text(folder / CONFIG, configuration.MAX_CONFIG_BYTES)
    try:
        content = configuration.parse_mapping(text, str(folder / CONFIG))
        return configuration.validate(upgrade_config(content))
    except ConfigError as error:
        raise unusable(folder, error) from None


def unusable(folder: Path, error: Exception) -> RunError:
    """An error about a folder whose content is invalid, with the parameter at fault."""
    message = str(error).splitlines()[0].rstrip(".")
    parameter = getattr(error, "parameter", None)
    return RunError(f"{folder} is not a usable run folder: {message}.", parameter=parameter)


# --- Weights ---------------------------------------------------------------------------------


def save_weights(folder: Path, model: VAE) -> None:
    """Write the weights in a fixed order and layout, so that equal weights are equal files."""
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in sorted(model.state_dict().items())
    }
    atomic_write_bytes(folder / WEIGHTS, save(tensors, metadata={"vaekit-format": str(FORMAT)}))


def load_weights(folder: Path, model: VAE) -> None:
    """Read the weights into a model.

    Args:
        folder: The run folder.
        model: The model; it is not changed if there is an error.

    Raises:
        RunError: Weights are missing, damaged, not finite, or belong to another model.
    """
    compare_weights(folder, model)
    path = folder / WEIGHTS
    with safe_open(path, framework="pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise RunError(
                f"{path}: {name} contains NaN or infinity. Train again with a lower optimizer.lr.",
                parameter="optimizer.lr",
            )
    model.load_state_dict(weights)


def compare_weights(folder: Path, model: VAE) -> None:
    """RunError unless the file has the names, shapes and kinds of the model's weights."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise RunError(
            f"{folder} has no {WEIGHTS}: the first epoch was interrupted. Resume its training."
        )
    saved = _saved_layout(path)
    expected = {
        name: _Layout(tuple(tensor.shape), _number_kind(tensor.is_floating_point()))
        for name, tensor in model.state_dict().items()
    }
    for name in sorted(expected.keys() | saved.keys()):
        if saved.get(name) != expected.get(name):
            raise RunError(
                f"{path} belongs to another model: {name} has another layout: "
                f"got {saved.get(name, 'nothing')}, expected {expected.get(name, 'nothing')}."
            )


class _Layout(NamedTuple):
    """The shape of a tensor, and whether it holds floats or integers."""

    shape: tuple[int, ...]
    numbers: str

    def __str__(self) -> str:
        return f"{self.numbers} of shape {self.shape}"


def _saved_layout(path: Path) -> dict[str, _Layout]:
    """The layout of each tensor in a file, by name."""
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {
                name: _Layout(tuple(tensor.get_shape()), _saved_kind(tensor.get_dtype()))
                for name, tensor in slices.items()
            }
    except (SafetensorError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise RunError(f"{path} is damaged, or not a safetensors file: {reason}.") from None


def _saved_kind(dtype: str) -> str:
    """Floats or integers, by the name of a safetensors type."""
    return _number_kind(dtype.startswith(("F", "BF")))


def _number_kind(is_float: bool) -> str:
    return "floats" if is_float else "integers"


# --- History and summary ---------------------------------------------------------------------


def save_metrics(folder: Path, epochs: list[dict[str, float]]) -> None:
    """Write metrics.csv, one row per epoch."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(epochs[0]), lineterminator="\n")
    writer.writeheader()
    for epoch in epochs:
        writer.writerow(
            {name: value if name == "epoch" else f"{value:.9g}" for name, value in epoch.items()}
        )
    atomic_write_bytes(folder / METRICS, text.getvalue())


def load_history(folder: Path) -> dict[str, list[float]]:
    """The columns of metrics.csv by name; empty without the file.

    Raises:
        RunError: The file is not a table of numbers.
    """
    path = folder / METRICS
    if not path.exists():
        return {}
    text = _read_text(path, MAX_TEXT_BYTES)
    try:
        names, *rows = csv.reader(io.StringIO(text))
        columns = {name: [float(row[i]) for row in rows] for i, name in enumerate(names)}
    except (ValueError, IndexError, csv.Error):
        raise RunError(
            f"{path} is damaged: expected column names and rows of numbers. Train again."
        ) from None
    return upgrade_history(columns)


def save_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write summary.json; a folder that has it is complete."""
    atomic_write_bytes(folder / SUMMARY, json.dumps(summary, indent=2) + "\n")


def load_summary(folder: Path) -> JsonObject:
    """The validated content of summary.json; empty without the file.

    Raises:
        RunError: The file is not JSON, or a key has a wrong type.
    """
    path = folder / SUMMARY
    if not path.exists():
        return {}
    return parse_summary(_read_text(path, MAX_TEXT_BYTES), str(path))


def _read_text(path: Path, limit_bytes: int) -> str:
    if not path.is_file():
        raise RunError(
            f"{path.parent} is not a run folder: {path.name} is missing. "
            "Choose the folder of a run.",
            parameter="run",
        )
    try:
        size = path.stat().st_size
        if size > limit_bytes:
            raise RunError(
                f"{path} is too large: got {size:,} bytes, expected at most {limit_bytes:,}."
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise RunError(f"cannot read {path}: {reason}.") from None


# --- Split -----------------------------------------------------------------------------------


def save_split(folder: Path, split: Split) -> None:
    """Write split.npz."""
    with atomic_write(folder / SPLIT) as file:
        split.save(file)


def load_split(folder: Path, summary: Mapping[str, Any] | None = None) -> Split:
    """Read the split of a run.

    Args:
        folder: The run folder.
        summary: The content of summary.json, if it has been read already.

    Raises:
        RunError: The split is missing, damaged, or that of another run.
    """
    path = folder / SPLIT
    try:
        with path.open("rb") as file:
            split = Split.load(file)
    except (OSError, DataError) as error:
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise RunError(f"cannot read {path}: {reason}.") from None
    if summary is None:
        summary = load_summary(folder)
    counts = split.counts()
    recorded = summary.get("data", {}).get("examples", counts)
    if counts != recorded:
        raise RunError(
            f"{path} belongs to another run: got the example counts {counts}, "
            f"expected {recorded} as in {SUMMARY}."
        )
    return split
