"""Use a trained model on raw data: sample, reconstruct, encode, decode."""

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit import data as datasets
from vaekit.data import Rows, Support
from vaekit.data.dataset import check_numeric
from vaekit.data.npz import read_npz
from vaekit.data.splits import Part
from vaekit.distributions import point
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import decode_means, draw_codes, draw_values
from vaekit.files import whole_file
from vaekit.noise import noise
from vaekit.store import Run, check_count
from vaekit.workflows.rows import as_inputs, find_rows

MAX_CSV = 200_000_000
MOST_ON_A_SHEET = 400


class Codes(NamedTuple):
    """Means and standard deviations of q(z given x), [N, L], and the classes of the rows by name, where they have any."""

    mean: np.ndarray
    sigma: np.ndarray
    classes: np.ndarray | None = None


class Reconstruction(NamedTuple):
    """Chosen rows: their indices, the raw originals [N, *shape], labels, codes, and the decoded means in raw units."""

    indices: np.ndarray
    originals: np.ndarray
    labels: np.ndarray | None
    codes: Codes
    decoded: np.ndarray


def sample(run: Run, count: int = 64, *, label: str | None = None, seed: int = 0, draw: bool = False) -> np.ndarray:
    """`count` samples in raw units, [count, *shape]: z from the prior, then the mean of p(x given z), or `draw` a value.

    label: of a conditional run, the class; None: all in turn.
    """
    y = run.condition(run.in_turn(check_count(count)) if label is None else label, count)
    with noise(seed):
        z = draw_codes(run.model, count, y)
        values = draw_values(run.model, z, y) if draw else decode_means(run.model, z, y)
    return run.transform.inverse(values).numpy(force=True)


@torch.no_grad()
def encode(run: Run, rows: Rows) -> Codes:
    """The codes of raw rows, batch by batch."""
    parts = [run.model.encode(x, y) for x, y in as_inputs(run, rows).batches(run.model)]
    mean, sigma = (
        torch.cat([t.flatten(1).cpu() for t in part]) for part in ([point(q) for q in parts], [q.stddev for q in parts])
    )
    classes = None if rows.y is None else np.array(run.config.data.classes)[rows.y]
    return Codes(mean.numpy(), sigma.numpy(), classes)


@torch.no_grad()
def decode(run: Run, z: np.ndarray | Tensor, label: str | Sequence[str] | None = None) -> np.ndarray:
    """The means of p(x given z) for codes z [N, L], in raw units, [N, *shape], batch by batch.

    label: of a conditional run, the class of each code or of all.
    """
    z = run.codes(z)
    return run.transform.inverse(decode_means(run.model, z, run.condition(label, len(z)))).numpy(force=True)


def reconstruct(
    run: Run, *, indices: Sequence[int] | None = None, label: str | None = None, split: Part | None = None, data: Any = None
) -> Reconstruction:
    """Chosen rows through the model and back: by index in a split of the run's data, or in `data` (a path, an array).

    indices: default ten spread evenly. label: among the rows of that class only.
    """
    rows, _ = find_rows(run, split, data)
    wanted = np.arange(len(rows)) if label is None else _of_class(run, rows, label)
    return pick(run, rows, wanted[check_indices(indices, len(wanted))])


def pick(run: Run, rows: Rows, indices: Sequence[int] | np.ndarray | None) -> Reconstruction:
    """The rows of these indices, by default ten spread evenly, through the model and back."""
    chosen = check_indices(indices, len(rows))
    picked = rows.take(chosen)
    codes = encode(run, picked)
    labels = list(codes.classes) if run.model.classes and codes.classes is not None else None
    return Reconstruction(chosen, picked.x, picked.y, codes, decode(run, codes.mean, labels))


def _of_class(run: Run, rows: Rows, label: str) -> np.ndarray:
    classes = run.config.data.classes
    if rows.y is None:
        raise DataError("--label needs labels, these rows have none: choose rows by --index")
    if label not in classes:
        raise ConfigError(f"no class {label!r}: the classes are {', '.join(classes)}")
    return np.flatnonzero(rows.y == classes.index(label))


def check_indices(indices: Sequence[int] | np.ndarray | None, rows: int) -> np.ndarray:
    """Indices of rows as an array, by default ten spread evenly; ConfigError for one that is beyond."""
    if indices is None:
        return np.unique(np.linspace(0, rows - 1, 10).astype(int))
    wrong = [i for i in indices if not 0 <= i < rows]
    if wrong or not len(indices):
        raise ConfigError(f"index {wrong[0] if wrong else 'missing'}: allowed are 0 to {rows - 1}")
    return np.asarray(indices)


def to_pixels(run: Run, values: np.ndarray | Tensor, like: np.ndarray | None) -> np.ndarray:
    """What the model takes or gives as floats in [0, 1] with 1 or 3 channels; vectors as they are.

    like: raw rows that give real-valued images, which have no scale of their own, theirs.
    """
    values = values.numpy(force=True) if isinstance(values, Tensor) else np.asarray(values)
    if len(run.model.data_shape) != 3:
        return values
    if like is not None and run.transform.kind == "real":
        low, high = np.percentile(like, (0.5, 99.5))
        values = (values - low) / max(high - low, 1e-12)
    if values.shape[-3] not in (1, 3):
        values = np.mean(values, -3, keepdims=True)
    return np.clip(values, 0, 1)


# --- Files ---------------------------------------------------------------------------------------------------------------


def save_codes(path: str | os.PathLike, codes: Codes) -> Path:
    """Codes as .npz (mean, sigma, class), .npy (mean) or .csv (columns row, class, z1, ..., sigma1, ...)."""
    path = Path(path)
    suffix = _suffix(path, (".npz", ".npy", ".csv"))
    arrays = {"mean": codes.mean, "sigma": codes.sigma} | ({} if codes.classes is None else {"class": codes.classes})
    with whole_file(path) as temporary:
        if suffix == ".npz":
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
        elif suffix == ".npy":
            np.save(temporary, codes.mean)
        else:
            _write_csv(temporary, codes)
    return path


def _write_csv(path: Path, codes: Codes) -> None:
    size = codes.mean.shape[1]
    named = [] if codes.classes is None else ["class"]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["row", *named, *(f"z{i + 1}" for i in range(size)), *(f"sigma{i + 1}" for i in range(size))])
        for row, numbers in enumerate(np.hstack([codes.mean, codes.sigma])):
            names = [] if codes.classes is None else [codes.classes[row]]
            table.writerow([row, *names, *(f"{number:.9g}" for number in numbers)])


def load_codes(path: str | os.PathLike) -> tuple[np.ndarray, list[str] | None]:
    """Codes [N, L] from what `save_codes` writes, or an .npy of your own; and the classes of the rows, where they are there."""
    path = Path(path)
    suffix = _suffix(path, (".npz", ".npy", ".csv"))
    if not path.is_file():
        raise DataError(f"{path} is not a file: give codes that `vaekit encode` wrote, or --z")
    if suffix == ".csv":
        return _csv_codes(path)
    if suffix == ".npy":
        return datasets.load(path, support=Support("real")).train.x, None
    with _opened(path) as file:
        arrays = read_npz(file, str(path))
    if "mean" not in arrays:
        raise DataError(f"{path} has no array 'mean': write codes with `vaekit encode`, or give an .npy")
    check_numeric(arrays["mean"], str(path))
    return arrays["mean"], [str(name) for name in arrays["class"].ravel()] if "class" in arrays else None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def _csv_codes(path: Path) -> tuple[np.ndarray, list[str] | None]:
    with _opened(path) as file:
        text = file.read(MAX_CSV + 1)
    if len(text) > MAX_CSV:
        raise DataError(f"{path} is larger than {MAX_CSV:,} bytes: give such codes as .npy")
    try:
        header, *rows = [row for row in csv.reader(text.decode("utf-8-sig").splitlines()) if any(row)] or [[]]
        place = {name.strip(): i for i, name in enumerate(header)}
        columns = [place[name] for name in sorted(filter(_is_code, place), key=lambda name: int(name[1:]))]
        codes = np.array([[float(row[i]) for i in columns] for row in rows], dtype=np.float64)
        classes = [row[place["class"]] for row in rows] if "class" in place else None
    except (ValueError, IndexError, csv.Error):
        codes, classes = np.empty(0), None
    if not codes.size:
        raise DataError(f"{path} is not a table of numbers, with commas between, under a row with the names z1, z2, ...")
    return codes, classes


def _is_code(column: str) -> bool:
    return re.fullmatch(r"z[0-9]{1,9}", column) is not None


def save_values(path: str | os.PathLike, run: Run, values: np.ndarray, title: str = "") -> Path:
    """Raw values [N, *shape] as .npy, or images as one sheet, .png, .pdf or .svg."""
    path = Path(path)
    if _suffix(path, (".npy", ".png", ".pdf", ".svg")) == ".npy":
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.save(file, values)
        return path
    if len(run.model.data_shape) != 3:
        raise ConfigError(f"{path.suffix} is for images, the rows of this run have shape {run.model.data_shape}: use .npy")
    if len(values) > MOST_ON_A_SHEET:
        raise ConfigError(f"{len(values):,} images do not fit one sheet, at most {MOST_ON_A_SHEET} do: write .npy, or fewer")
    from vaekit.plots import save, sheet

    return save(sheet(to_pixels(run, run.transform.forward(values), values), title=title), path)


def _suffix(path: Path, allowed: Sequence[str]) -> str:
    if path.suffix.lower() not in allowed:
        raise ConfigError(f"{path} cannot be written or read: allowed are {', '.join(allowed)}")
    return path.suffix.lower()
