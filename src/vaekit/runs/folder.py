"""Run folders, format 2 (docs/run-folder.md): claimed, written whole, read without trusting them.

Reading one imports no code that it names and executes nothing in it: YAML without tags or aliases,
safetensors compared with the model before anything is allocated, JSON and CSV of bounded size.
"""

import csv
import io
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vaekit import config as configuration
from vaekit.atomic_io import atomic_write, atomic_write_bytes, output_errors
from vaekit.config import FORMAT, Settings
from vaekit.core.vae import VAE
from vaekit.data.splits import SPLIT_NAMES, Split
from vaekit.errors import ConfigError, DataError, OutputError, RunError
from vaekit.runs.upgrade import upgrade_config, upgrade_history, upgrade_summary

CONFIG, WEIGHTS, METRICS, SUMMARY, SPLIT = (
    "config.yaml",
    "model.safetensors",
    "metrics.csv",
    "summary.json",
    "split.npz",
)
CHECKPOINT, PLOTS, REPORT = "checkpoints/last.ckpt", "plots", "report.html"
FILES = (CONFIG, WEIGHTS, METRICS, SUMMARY, SPLIT)
MAX_TEXT = 50_000_000


def save_config(folder: Path, config: Settings) -> None:
    text = config.to_yaml()
    if len(text) > configuration.MAX_CONFIG_BYTES:
        raise ConfigError(
            f"the configuration is larger than {configuration.MAX_CONFIG_BYTES:,} bytes: use fewer or shorter class names"
        )
    atomic_write_bytes(folder / CONFIG, text)


def save_weights(folder: Path, model: VAE) -> None:
    """The weights, in a fixed order and layout and with one key of metadata, so that equal weights are equal files."""
    tensors = {
        name: t.detach().cpu().contiguous().clone()
        for name, t in sorted(model.state_dict().items())
    }
    atomic_write_bytes(folder / WEIGHTS, save(tensors, metadata={"vaekit-format": str(FORMAT)}))


def save_metrics(folder: Path, rows: list[dict[str, float]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: v if k == "epoch" else f"{v:.9g}" for k, v in row.items()} for row in rows)
    atomic_write_bytes(folder / METRICS, text.getvalue())


def save_summary(folder: Path, summary: dict[str, Any]) -> None:
    atomic_write_bytes(folder / SUMMARY, json.dumps(summary, indent=2) + "\n")


def load_config(path: str | os.PathLike) -> Settings:
    """The configuration of a run folder; RunError where it is missing, from a newer format, or not ours."""
    folder = Path(path)
    if not folder.is_dir():
        raise RunError(
            f"{folder} is not a run folder: {'not a folder' if folder.exists() else 'there is nothing'}"
        )
    try:
        given = configuration.parse_mapping(
            _text(folder / CONFIG, configuration.MAX_CONFIG_BYTES), str(folder / CONFIG)
        )
        return configuration.validate(upgrade_config(given))
    except ConfigError as error:
        raise RunError(f"{folder} is not a usable run folder: {error}") from None


def load_weights(folder: Path, model: VAE) -> None:
    """The weights on disk into `model`; RunError where a name or a shape differs, and then nothing is changed."""
    compare_weights(folder, model)
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise RunError(
                f"{folder / WEIGHTS}: {name} holds NaN or infinity: train again, with a lower optimizer.lr"
            )
    model.load_state_dict(weights)


def compare_weights(folder: Path, model: VAE) -> None:
    path = folder / WEIGHTS
    if not path.is_file():
        raise RunError(
            f"{folder} has no {WEIGHTS}: its first epoch had not ended; go on with `vaekit train --resume {folder}`"
        )
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            found = {
                name: (tuple(piece.get_shape()), _is_float(piece.get_dtype()))
                for name, piece in slices.items()
            }
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(
            f"{path} is damaged or no safetensors file: {str(error).splitlines()[0]}"
        ) from None
    wanted = {
        name: (tuple(tensor.shape), tensor.is_floating_point())
        for name, tensor in model.state_dict().items()
    }
    for name in sorted(wanted.keys() | found.keys()):
        there, here = found.get(name), wanted.get(name)
        if there is None or here is None or there[0] != here[0]:
            shapes = (
                f"{there[0] if there else 'missing'} there, {here[0] if here else 'unknown'} here"
            )
            raise RunError(f"{path} does not belong to this model: {name} is {shapes}")
        if there[1] != here[1]:
            raise RunError(
                f"{path} does not belong to this model: {name} is of integers in one, of floats in the other"
            )


def _is_float(dtype: str) -> bool:
    """Whether a name of safetensors is that of a type with fractions."""
    return dtype.startswith(("F", "BF"))


def load_history(folder: Path) -> dict[str, list[float]]:
    if not (folder / METRICS).exists():
        return {}
    text = _text(folder / METRICS, MAX_TEXT)
    try:
        rows = list(csv.reader(io.StringIO(text)))
        columns = {name: [float(row[i]) for row in rows[1:]] for i, name in enumerate(rows[0])}
        return upgrade_history(columns)
    except (ValueError, IndexError, csv.Error):
        raise RunError(
            f"{folder / METRICS} is not a table of numbers under a row of names"
        ) from None


def load_summary(folder: Path) -> dict[str, Any]:
    if not (folder / SUMMARY).exists():
        return {}
    try:
        summary = json.loads(_text(folder / SUMMARY, MAX_TEXT))
    except (ValueError, RecursionError):
        raise RunError(f"{folder / SUMMARY} is not readable as JSON") from None
    parts = ("test", "validation", "data", "parameters")
    whole = isinstance(summary, dict) and "test" in summary
    if not whole or not all(isinstance(summary.get(part, {}), dict) for part in parts):
        raise RunError(f"{folder / SUMMARY} is not a JSON object with the figures of the test rows")
    return upgrade_summary(summary)


def _text(path: Path, limit: int) -> str:
    if not path.is_file():
        raise RunError(f"{path.parent} is not a run folder: it has no {path.name}")
    try:
        if path.stat().st_size > limit:
            raise RunError(f"{path} is larger than {limit:,} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"
        ) from None


def save_split(folder: Path, split: Split) -> None:
    with atomic_write(folder / SPLIT) as temporary, temporary.open("wb") as file:
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
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"cannot read {path}: {reason}") from None
    summary = load_summary(folder) if summary is None else summary
    counts = {part: len(getattr(split, part)) for part in SPLIT_NAMES}
    recorded = summary.get("data", {}).get("examples", counts)
    if counts != recorded:
        raise RunError(
            f"{path} belongs to another run: got the example counts {counts}, "
            f"expected {recorded} as in {SUMMARY}."
        )
    return split


def claim_folder(out: str | os.PathLike | None, name: str, force: bool) -> Path:
    """A folder for a run, without the files of another; OutputError where there is something that may not be replaced."""
    with output_errors(Path("runs") if out is None else out):
        if out is None:
            return _unused(Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}")
        folder = Path(out)
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} exists and is not a folder: choose another --out")
        if folder.exists() and any(folder.iterdir()):
            _clear(folder, force)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _unused(folder: Path) -> Path:
    """`folder`, or with a number behind it, made here and now, so that two runs of one second do not meet."""
    for name in (folder.name, *(f"{folder.name}-{i}" for i in range(2, 10_000))):
        try:
            folder.with_name(name).mkdir(parents=True)
            return folder.with_name(name)
        except FileExistsError:
            continue
    raise OutputError(f"{folder} and 9,998 like it exist: choose another place with --out")


def _clear(folder: Path, force: bool) -> None:
    """Remove the files of the run in `folder`, and no others; OutputError where it holds no run, or may not be replaced."""
    try:
        load_config(folder)
    except RunError:
        raise OutputError(
            f"{folder} exists and is not a run folder: choose another --out, or empty it yourself"
        ) from None
    if not force:
        raise OutputError(f"{folder} exists: choose another --out, or overwrite it with --force")
    for name in (REPORT, SUMMARY, METRICS, WEIGHTS, SPLIT, CONFIG):
        (folder / name).unlink(missing_ok=True)
    for checkpoint in (folder / CHECKPOINT).parent.glob("*.ckpt"):
        checkpoint.unlink()
    for picture in (folder / PLOTS).glob("*.png"):
        picture.unlink()
