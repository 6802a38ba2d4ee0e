"""What commands write and read: codes as tables, rows as arrays, images as sheets."""

import csv
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vaekit import data as datasets
from vaekit.atomic_io import atomic_write
from vaekit.data import Examples, Support
from vaekit.data.dataset import check_numeric
from vaekit.data.readers.npz import read_npz
from vaekit.errors import ConfigError, DataError
from vaekit.runs import Run
from vaekit.workflows.use import LatentCodes, encode, iter_encode_means, to_pixels

MAX_CSV = 200_000_000
MOST_ON_A_SHEET = 400
CODES, VALUES, SCORES = (".npz", ".npy", ".csv"), (".npy", ".png", ".pdf", ".svg"), (".npy", ".csv")


def encode_to(path: str | os.PathLike, run: Run, rows: Examples) -> Path:
    """Write the codes of rows as `save_codes` does; as .npy without keeping them in memory."""
    if _suffix(Path(path), CODES) == ".npy":
        return _save_parts(Path(path), iter_encode_means(run, rows), len(rows))
    return save_codes(path, encode(run, rows))


def save_codes(path: str | os.PathLike, codes: LatentCodes) -> Path:
    """Codes as .npz (mean, sigma, class, index), .npy (mean) or .csv (columns row, class, z1, ..., sigma1, ..., index1, ...).

    index: which entries of the codebook make a discrete z.
    """
    path = Path(path)
    suffix = _suffix(path, CODES)
    known = {
        "mean": codes.mean,
        "sigma": codes.sigma,
        "class": codes.classes,
        "index": codes.indices,
    }
    arrays = {name: array for name, array in known.items() if array is not None}
    with atomic_write(path) as temporary:
        if suffix == ".npz":
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
        elif suffix == ".npy":
            np.save(temporary, codes.mean)
        else:
            _write_csv(temporary, codes)
    return path


def _write_csv(path: Path, codes: LatentCodes) -> None:
    named = [] if codes.classes is None else ["class"]
    columns = {"z": codes.mean, "sigma": codes.sigma} | (
        {} if codes.indices is None else {"index": codes.indices}
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(
            [
                "row",
                *named,
                *(
                    f"{name}{i + 1}"
                    for name, array in columns.items()
                    for i in range(array.shape[1])
                ),
            ]
        )
        for row, numbers in enumerate(zip(*columns.values(), strict=True)):
            names = [] if codes.classes is None else [codes.classes[row]]
            table.writerow([row, *names, *(f"{number:.9g}" for part in numbers for number in part)])


def save_scores(
    path: str | os.PathLike, scores: np.ndarray, classes: Sequence[str] | None = None
) -> Path:
    """One number a row as .npy, or as .csv (columns row, class where rows have one, score)."""
    path = Path(path)
    with atomic_write(path) as temporary:
        if _suffix(path, SCORES) == ".npy":
            np.save(temporary, scores)
            return path
        with temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["row", *([] if classes is None else ["class"]), "score"])
            for row, number in enumerate(scores):
                table.writerow([row, *([] if classes is None else [classes[row]]), f"{number:.9g}"])
    return path


def load_codes(path: str | os.PathLike) -> tuple[np.ndarray, list[str] | None]:
    """Codes [N, L] from what `save_codes` writes, or an .npy of your own; and the classes of the rows, where they are there."""
    path = Path(path)
    suffix = _suffix(path, CODES)
    if not path.is_file():
        raise DataError(f"{path} is not a file: give codes that `vaekit encode` wrote, or --z")
    if suffix == ".csv":
        return _csv_codes(path)
    if suffix == ".npy":
        return datasets.load(path, support=Support("real")).train.x, None
    with _opened(path) as file:
        arrays = read_npz(file, str(path))
    if "mean" not in arrays:
        raise DataError(
            f"{path} has no array 'mean': write codes with `vaekit encode`, or give an .npy"
        )
    check_numeric(arrays["mean"], str(path))
    return arrays["mean"], [
        str(name) for name in arrays["class"].ravel()
    ] if "class" in arrays else None


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
        header, *rows = [
            row for row in csv.reader(text.decode("utf-8-sig").splitlines()) if any(row)
        ] or [[]]
        place = {name.strip(): i for i, name in enumerate(header)}
        columns = [
            place[name] for name in sorted(filter(_is_code, place), key=lambda name: int(name[1:]))
        ]
        codes = np.array([[float(row[i]) for i in columns] for row in rows], dtype=np.float64)
        classes = [row[place["class"]] for row in rows] if "class" in place else None
    except (ValueError, IndexError, csv.Error):
        codes, classes = np.empty(0), None
    if not codes.size:
        raise DataError(
            f"{path} is not a table of numbers, with commas between, under a row with the names z1, z2, ..."
        )
    return codes, classes


def _is_code(column: str) -> bool:
    return re.fullmatch(r"z[0-9]{1,9}", column) is not None


def check_codes(path: Path) -> Path:
    """`path`, where codes can be written to it; else ConfigError, before any are computed."""
    _suffix(path, CODES)
    return path


def check_scores(path: Path) -> Path:
    """`path`, where scores can be written to it; else ConfigError, before any are computed."""
    _suffix(path, SCORES)
    return path


def check_values(path: Path, run: Run, count: int) -> Path:
    """`path`, where so many rows of the run can be written to it; else ConfigError, before any are computed."""
    if _suffix(path, VALUES) == ".npy":
        return path
    if len(run.model.data_shape) != 3:
        raise ConfigError(
            f"{path.suffix} is for images, the rows of this run have shape {run.model.data_shape}: use .npy"
        )
    if count > MOST_ON_A_SHEET:
        raise ConfigError(
            f"{count:,} images do not fit one sheet, at most {MOST_ON_A_SHEET} do: write .npy, or fewer"
        )
    return path


def suffix_for(run: Run) -> str:
    """How a file of the run's rows ends, where none is named: a picture of images, an array of others."""
    return ".png" if len(run.model.data_shape) == 3 else ".npy"


def save_values(
    path: str | os.PathLike, run: Run, parts: Iterator[np.ndarray], count: int, title: str = ""
) -> Path:
    """Raw values, parts of [count, *shape], as .npy, of any length, or images as one sheet, .png, .pdf or .svg."""
    path = check_values(Path(path), run, count)
    if path.suffix.lower() == ".npy":
        return _save_parts(path, parts, count)
    from vaekit.plots import save, sheet

    values = np.concatenate(list(parts))
    return save(sheet(to_pixels(run, run.transform.forward(values), values), title=title), path)


def _save_parts(path: Path, parts: Iterator[np.ndarray], rows: int) -> Path:
    """An .npy of the parts, one behind the other."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        for i, part in enumerate(parts):
            if i == 0:
                shape, dtype = (rows, *part.shape[1:]), np.lib.format.dtype_to_descr(part.dtype)
                np.lib.format.write_array_header_1_0(
                    file, {"descr": dtype, "fortran_order": False, "shape": shape}
                )
            file.write(np.ascontiguousarray(part).data)
    return path


def _suffix(path: Path, allowed: Sequence[str]) -> str:
    if path.suffix.lower() not in allowed:
        raise ConfigError(f"{path} cannot be written or read: allowed are {', '.join(allowed)}")
    return path.suffix.lower()
