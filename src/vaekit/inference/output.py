"""Files of latent codes, scores and examples: .npy, .npz and .csv, written atomically."""

import csv
import io
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vaekit import data as datasets
from vaekit.data import Support
from vaekit.data.bounds import MAX_CSV_BYTES, MAX_CSV_CLASSES, MAX_CSV_LINE_CHARACTERS
from vaekit.data.checks import check_numeric
from vaekit.data.file_reading import reason, shown_path
from vaekit.data.readers.npz import read_npz
from vaekit.errors import ConfigError, DataError
from vaekit.files.atomic import atomic_write
from vaekit.files.regular import open_regular
from vaekit.inference.csv_cells import file_cell, from_cell, to_cell
from vaekit.inference.encode_decode import LatentCodes

CODE_FORMATS = (".npz", ".npy", ".csv")
SCORE_FORMATS = (".npy", ".csv")


def check_format(path: Path, formats: Sequence[str]) -> str:
    """The suffix of a path in lower case; ConfigError unless it is one of `formats`."""
    suffix = path.suffix.lower()
    if suffix not in formats:
        raise ConfigError.for_value(
            "out", path.name, f"one of {', '.join(formats)}", problem="unknown file format"
        )
    return suffix


def save_codes(
    path: Path,
    codes: LatentCodes,
    classes: Sequence[str] | None = None,
    files: Sequence[str] | None = None,
) -> Path:
    """Write latent codes.

    Args:
        path: .npz (arrays mean, stddev, file, class, index), .npy (means only), or .csv (columns
            file, example, class, z1, ..., stddev1, ..., index1, ...).
        codes: The codes of N examples.
        classes: Class names [N], if the examples have labels.
        files: Names of files [N], if the examples are from image files.
    """
    suffix = check_format(path, CODE_FORMATS)
    with atomic_write(path) as file:
        if suffix == ".npz":
            np.savez(file, **_code_arrays(codes, classes, files))  # type: ignore[arg-type]
        elif suffix == ".npy":
            np.save(file, codes.mean)
        else:
            _write_codes_csv(file, codes, classes, files)
    return path


def _code_arrays(
    codes: LatentCodes, classes: Sequence[str] | None, files: Sequence[str] | None
) -> dict[str, np.ndarray]:
    arrays = {
        "mean": codes.mean,
        "stddev": codes.stddev,
        "file": None if files is None else np.array(files, str),
        "class": None if classes is None else np.array(classes),
        "index": codes.indices,
    }
    return {name: array for name, array in arrays.items() if array is not None}


def _write_codes_csv(
    file: BinaryIO,
    codes: LatentCodes,
    classes: Sequence[str] | None,
    files: Sequence[str] | None,
) -> None:
    columns = {"z": codes.mean, "stddev": codes.stddev}
    if codes.indices is not None:
        columns["index"] = codes.indices
    names = [f"{name}{i + 1}" for name, array in columns.items() for i in range(array.shape[1])]
    numbers = (
        [f"{number:.9g}" for part in example for number in part]
        for example in zip(*columns.values(), strict=True)
    )
    _write_table(file, names, numbers, classes, files)


def save_scores(
    path: Path,
    scores: np.ndarray,
    classes: Sequence[str] | None = None,
    files: Sequence[str] | None = None,
) -> Path:
    """Write one score per example as .npy, or as .csv (columns file, example, class, score)."""
    suffix = check_format(path, SCORE_FORMATS)
    with atomic_write(path) as file:
        if suffix == ".npy":
            np.save(file, scores)
        else:
            numbers = ([f"{score:.9g}"] for score in scores)
            _write_table(file, ["score"], numbers, classes, files)
    return path


def _write_table(
    file: BinaryIO,
    names: Sequence[str],
    numbers: Iterator[list[str]],
    classes: Sequence[str] | None,
    files: Sequence[str] | None,
) -> None:
    """A CSV table: file if there are files, number of the example, class likewise, numbers."""
    before = {} if files is None else {"file": [*map(file_cell, files)]}
    after = {} if classes is None else {"class": [*map(to_cell, classes)]}
    text = io.TextIOWrapper(file, newline="", encoding="utf-8")
    table = csv.writer(text)
    table.writerow([*before, "example", *after, *names])
    for i, line in enumerate(numbers):
        first, last = ([each[i] for each in columns.values()] for columns in (before, after))
        table.writerow([*first, i, *last, *line])
    text.detach()


def save_batches(path: Path, batches: Iterator[np.ndarray], count: int) -> Path:
    """Write consecutive batches of arrays [count, ...] as one .npy, without keeping them."""
    with atomic_write(path) as file:
        for i, batch in enumerate(batches):
            if i == 0:
                dtype = np.lib.format.dtype_to_descr(batch.dtype)
                header = {
                    "descr": dtype,
                    "fortran_order": False,
                    "shape": (count, *batch.shape[1:]),
                }
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(batch).data)
    return path


def load_codes(path: Path) -> tuple[np.ndarray, list[str] | None]:
    """Latent codes [N, L] of a file that `save_codes` wrote, or of an .npy; and their classes.

    Raises:
        ConfigError: Another file format.
        DataError: A file that is missing, damaged or holds no codes.
    """
    suffix = check_format(path, CODE_FORMATS)
    if suffix == ".csv":
        return _read_codes_csv(path)
    if suffix == ".npy":
        with _errors_about_codes():
            return datasets.load(path, support=Support("real")).train.x, None
    with _open(path) as file, _errors_about_codes():
        arrays = read_npz(file, str(path))
    if "mean" not in arrays:
        raise DataError(
            f"{path} has no array 'mean'. Write codes with `vaekit encode`, or pass an .npy.",
            parameter="codes",
        )
    check_numeric(arrays["mean"], str(path), parameter="codes")
    classes = arrays.get("class")
    return arrays["mean"], None if classes is None else [str(name) for name in classes.ravel()]


@contextmanager
def _errors_about_codes() -> Iterator[None]:
    """Let errors about the content of a file name the parameter that it was passed as."""
    try:
        yield
    except DataError as error:
        error.parameter = "codes"
        raise


def _open(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot read {shown_path(path)}: {reason(error)}. "
            "Check the path, or write codes with `vaekit encode`.",
            parameter="codes",
        ) from None


def _read_codes_csv(path: Path) -> tuple[np.ndarray, list[str] | None]:
    with io.TextIOWrapper(_open(path), encoding="utf-8-sig", newline=None) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_CSV_BYTES:
            raise DataError(
                f"{path} is too large: got {size:,} bytes, expected at most {MAX_CSV_BYTES:,}. "
                "Write codes as .npy.",
                parameter="codes",
            )
        try:
            codes, classes = _parse_codes_csv(_lines(file))
        except (ValueError, IndexError, csv.Error):
            codes, classes = np.empty(0), None
    if not codes.size:
        raise DataError(
            f"{path} holds no latent codes: expected numbers, separated by commas, "
            "under a line with the names z1, z2, ...",
            parameter="codes",
        )
    return codes, classes


def _lines(file: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a text file; ValueError for one that is too long."""
    while line := file.readline(MAX_CSV_LINE_CHARACTERS):
        if len(line) == MAX_CSV_LINE_CHARACTERS:
            raise ValueError("a line is too long")
        yield line


def _parse_codes_csv(lines: Iterator[str]) -> tuple[np.ndarray, list[str] | None]:
    """The columns of codes, and that of classes if there is one, without keeping the others."""
    rows = (row for row in csv.reader(lines) if any(row))
    position = {name.strip(): i for i, name in enumerate(next(rows, []))}
    names = sorted(filter(_is_code_column, position), key=lambda name: int(name[1:]))
    columns = [position[name] for name in names]
    class_column = position.get("class")
    numbers, classes = array("d"), []
    known: dict[str, str] = {}
    for row in rows:
        numbers.extend(float(row[i]) for i in columns)
        if class_column is not None:
            name = from_cell(row[class_column])
            classes.append(known.setdefault(name, name))
            if len(known) > MAX_CSV_CLASSES:
                raise ValueError("too many classes")
    codes = np.frombuffer(numbers, np.float64) if numbers else np.empty(0)
    codes = codes.reshape(-1, max(1, len(columns)))
    return codes, None if class_column is None else classes


def _is_code_column(name: str) -> bool:
    return re.fullmatch(r"z[0-9]{1,9}", name) is not None
