"""The history of a training, metrics.csv: one row per epoch."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from vaekit.errors import RunError
from vaekit.files.atomic import atomic_write_bytes
from vaekit.runs.files import METRICS, has_file, read_file
from vaekit.runs.run_id import RUN_ID, RunId, check_run_id
from vaekit.runs.upgrade import upgrade_history

MAX_METRICS_BYTES = 20_000_000
"""A hundred thousand epochs."""
MAX_COLUMNS = 100
REQUIRED_COLUMNS = (
    "epoch",
    "step",
    "train_loss",
    "train_reconstruction",
    "train_divergence",
    "val_loss",
    "val_reconstruction",
    "val_divergence",
    "seconds",
)

History = dict[str, list[float]]


def save_metrics(folder: Path, epochs: Sequence[Mapping[str, float]], run_id: RunId) -> None:
    """Write metrics.csv, one row per epoch; the last column names the run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    identity = {} if run_id is None else {RUN_ID: run_id}
    writer.writerow([*epochs[0], *identity])
    for epoch in epochs:
        numbers = [value if key == "epoch" else f"{value:.9g}" for key, value in epoch.items()]
        writer.writerow([*numbers, *identity.values()])
    atomic_write_bytes(folder / METRICS, text.getvalue())


def load_history(folder: Path, run_id: RunId) -> History:
    """The columns of metrics.csv by name; empty without the file.

    Args:
        folder: The run folder.
        run_id: The run id in the configuration of the folder.

    Raises:
        RunError: The file is too large, belongs to another run, or is no table of finite numbers
            with one row per epoch.
    """
    if not has_file(folder, METRICS):
        return {}
    path = folder / METRICS
    content = read_file(folder, METRICS, MAX_METRICS_BYTES)
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
        names = next(rows, [])
        if len(names) > MAX_COLUMNS or len(set(names)) < len(names):
            raise ValueError(f"its first row has {len(names)} names, or one of them twice")
        has_id = names[-1:] == [RUN_ID]
        history, found = _columns(names, rows, has_id)
    except (ValueError, IndexError, csv.Error) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise RunError(f"{path} is damaged: {reason}. Restore the file, or train again.") from None
    check_run_id(found, run_id, path)
    return history


def _columns(
    names: Sequence[str], rows: Iterator[list[str]], has_id: bool
) -> tuple[History, str | None]:
    """The columns of numbers, and the run id that all rows have; ValueError for anything else."""
    numbers = names[:-1] if has_id else names
    columns: list[list[float]] = [[] for _ in numbers]
    ids = set()
    for row in rows:
        if len(row) != len(names):
            raise ValueError(f"a row has {len(row)} values for {len(names)} columns")
        for column, text in zip(columns, row, strict=False):
            column.append(_number(text))
        if has_id:
            ids.add(row[-1])
    if len(ids) > 1:
        raise ValueError("its rows belong to several runs")
    history = upgrade_history(dict(zip(numbers, columns, strict=True)))
    _check_epochs(history)
    return history, ids.pop() if ids else None


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


def _check_epochs(history: Mapping[str, Sequence[float]]) -> None:
    for name in REQUIRED_COLUMNS:
        if name not in history:
            raise ValueError(f"the column {name} is missing")
    epochs = history["epoch"]
    if list(epochs) != list(range(1, len(epochs) + 1)):
        raise ValueError("its epochs are not 1, 2, ...")
