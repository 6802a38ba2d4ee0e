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
from vaekit.data import Rows, Support, require
from vaekit.data.dataset import check_numeric
from vaekit.data.npz import read_npz
from vaekit.data.splits import Part
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import decode_means, draw_values
from vaekit.files import whole_file
from vaekit.inputs import Inputs
from vaekit.noise import noise
from vaekit.store import Run
from vaekit.workflows.prepare import load_data, stored_split

MAX_CSV = 200_000_000


class Codes(NamedTuple):
    """Means and standard deviations of q(z given x), [N, L]."""

    mean: np.ndarray
    sigma: np.ndarray


class Reconstruction(NamedTuple):
    """Chosen rows: their indices, the raw originals [N, *shape], labels, codes, and the decoded means in raw units."""

    indices: np.ndarray
    originals: np.ndarray
    labels: np.ndarray | None
    codes: Codes
    decoded: np.ndarray


def sample(run: Run, count: int = 64, *, seed: int = 0, draw: bool = False) -> np.ndarray:
    """`count` samples in raw units, [count, *shape]: z from the prior, then the mean of p(x given z), or `draw` a value."""
    if count < 1:
        raise ConfigError(f"count = {count}: at least 1")
    with torch.no_grad(), noise(seed):
        z = run.model.prior().sample((count,))
        values = draw_values(run.model, z) if draw else decode_means(run.model, z)
    return run.transform.inverse(values).numpy(force=True)


@torch.no_grad()
def encode(run: Run, rows: np.ndarray) -> Codes:
    """The codes of raw rows [N, *shape], batch by batch."""
    parts = [run.model.encode(x) for x in Inputs(rows, run.transform).batches(run.model)]
    mean, sigma = (
        torch.cat([t.flatten(1).cpu() for t in part]) for part in ([q.mean for q in parts], [q.stddev for q in parts])
    )
    return Codes(mean.numpy(), sigma.numpy())


@torch.no_grad()
def decode(run: Run, z: np.ndarray | Tensor) -> np.ndarray:
    """The means of p(x given z) for codes z [N, L], in raw units, [N, *shape]."""
    z = torch.as_tensor(z)
    size = run.model.latent_shape.numel()
    if z.dim() != 2 or z.shape[1] != size or not len(z):
        raise DataError(f"codes of shape {tuple(z.shape)} were given, this model takes [N, {size}]")
    if not torch.isfinite(z).all():
        raise DataError("the codes hold NaN or infinity: every code is a finite number")
    values = decode_means(run.model, z.reshape(-1, *run.model.latent_shape))
    return run.transform.inverse(values).numpy(force=True)


def reconstruct(
    run: Run, *, indices: Sequence[int] | None = None, label: str | None = None, split: Part = "test", data: Any = None
) -> Reconstruction:
    """Chosen rows through the model and back: by index in a split of the run's data, or in `data` (a path, an array).

    indices: default ten spread evenly. label: among the rows of that class only.
    """
    rows, _ = rows_for(run, split, data)
    wanted = np.arange(len(rows)) if label is None else _of_class(run, rows, label)
    return pick(run, rows, wanted[check_indices(indices, len(wanted))])


def pick(run: Run, rows: Rows, indices: Sequence[int] | np.ndarray | None) -> Reconstruction:
    """The rows of these indices, by default ten spread evenly, through the model and back."""
    chosen = check_indices(indices, len(rows))
    picked = rows.take(chosen)
    codes = encode(run, picked.x)
    return Reconstruction(chosen, picked.x, picked.y, codes, decode(run, codes.mean))


def rows_for(run: Run, split: Part = "test", data: Any = None) -> tuple[Rows, str]:
    """Raw rows and what they are: a part of the run's own data, or rows of others that suit it, labels in the run's numbers."""
    dataset = load_data(run.config) if data is None else _others(run, data)
    if dataset.fingerprint() == run.config.data.fingerprint:
        return stored_split(run.path).rows(dataset, split), split
    rows, part = (dataset.test, "test") if dataset.test is not None and split == "test" else (dataset.train, "all")
    require(rows, run.model.data_shape, run.support, repr(dataset.name))
    return Rows(rows.x, _renumbered(run, dataset, rows)), part


def _others(run: Run, data: Any) -> datasets.Dataset:
    """Other data, taken for what the run was trained on: its support, and its size where images were resized."""
    if isinstance(data, str) and data in datasets.NAMES:
        dataset = datasets.load(data)
        if dataset.support != run.support:
            raise DataError(f"{data!r} has the support {dataset.support}, the model was trained on {run.support}")
        return dataset
    array = not isinstance(data, str | os.PathLike) or Path(data).suffix.lower() in (".npy", ".npz")
    return datasets.load(data, support=run.support, resize=None if array else run.config.data.resize)


def _renumbered(run: Run, dataset: datasets.Dataset, rows: Rows) -> np.ndarray | None:
    """Labels as the run numbers its classes; none where it does not know them all."""
    known = {name: number for number, name in enumerate(run.config.data.classes)}
    if rows.y is None or not set(dataset.classes) <= known.keys():
        return None
    return np.array([known[name] for name in dataset.classes])[rows.y]


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


def to_pixels(run: Run, values: np.ndarray | Tensor, like: np.ndarray) -> np.ndarray:
    """What the model takes or gives as floats in [0, 1] with 1 or 3 channels; vectors as they are.

    like: raw rows that give real-valued images, which have no scale of their own, theirs.
    """
    values = values.numpy(force=True) if isinstance(values, Tensor) else np.asarray(values)
    if len(run.model.data_shape) != 3:
        return values
    if run.transform.kind == "real":
        low, high = np.percentile(like, (0.5, 99.5))
        values = (values - low) / max(high - low, 1e-12)
    if values.shape[-3] not in (1, 3):
        values = np.mean(values, -3, keepdims=True)
    return np.clip(values, 0, 1)


# --- Files ---------------------------------------------------------------------------------------------------------------


def save_codes(path: str | os.PathLike, codes: Codes) -> Path:
    """Codes as .npz (mean and sigma), .npy (mean) or .csv (columns z1, ..., sigma1, ...)."""
    path = Path(path)
    suffix = _suffix(path, (".npz", ".npy", ".csv"))
    with whole_file(path) as temporary, temporary.open("wb") as file:
        if suffix == ".npz":
            np.savez(file, mean=codes.mean, sigma=codes.sigma)
        elif suffix == ".npy":
            np.save(file, codes.mean)
        else:
            size = codes.mean.shape[1]
            header = ",".join([f"z{i + 1}" for i in range(size)] + [f"sigma{i + 1}" for i in range(size)])
            np.savetxt(file, np.hstack(codes), delimiter=",", header=header, comments="", fmt="%.9g")
    return path


def load_codes(path: str | os.PathLike) -> np.ndarray:
    """Codes [N, L] from what `save_codes` writes, or an .npy of your own."""
    path = Path(path)
    if _suffix(path, (".npz", ".npy", ".csv")) == ".csv":
        return _csv_codes(path)
    if path.suffix.lower() == ".npy":
        return datasets.load(path, support=Support("real")).train.x
    with _opened(path) as file:
        arrays = read_npz(file, str(path))
    if "mean" not in arrays:
        raise DataError(f"{path} has no array 'mean': write codes with `vaekit encode`, or give an .npy")
    check_numeric(arrays["mean"], str(path))
    return arrays["mean"]


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def _csv_codes(path: Path) -> np.ndarray:
    with _opened(path) as file:
        text = file.read(MAX_CSV + 1)
    if len(text) > MAX_CSV:
        raise DataError(f"{path} is larger than {MAX_CSV:,} bytes: give such codes as .npy")
    try:
        header, *rows = csv.reader(text.decode("utf-8").splitlines())
        columns = [i for i, name in enumerate(header) if re.fullmatch(r"z[0-9]+", name.strip())]
        return np.array([[float(row[i]) for i in columns] for row in rows], dtype=np.float32)
    except (ValueError, IndexError, csv.Error):
        raise DataError(f"{path} is not a table of numbers under a row with the names z1, z2, ...") from None


def save_values(path: str | os.PathLike, run: Run, values: np.ndarray, title: str = "") -> Path:
    """Raw values [N, *shape] as .npy, or images as one sheet, .png, .pdf or .svg."""
    path = Path(path)
    if _suffix(path, (".npy", ".png", ".pdf", ".svg")) == ".npy":
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.save(file, values)
        return path
    if len(run.model.data_shape) != 3:
        raise ConfigError(f"{path.suffix} is for images, the rows of this run have shape {run.model.data_shape}: use .npy")
    from vaekit.plots import save, sheet

    return save(sheet(to_pixels(run, run.transform.forward(values), values), title=title), path)


def _suffix(path: Path, allowed: Sequence[str]) -> str:
    if path.suffix.lower() not in allowed:
        raise ConfigError(f"{path} cannot be written or read: allowed are {', '.join(allowed)}")
    return path.suffix.lower()
