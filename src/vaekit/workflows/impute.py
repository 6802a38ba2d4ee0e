"""Replace missing values of examples in a file."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.data import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.raw_dataset import channels_first
from vaekit.errors import ConfigError, DataError
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import select_examples
from vaekit.workflows.save_examples import check_examples_file, save_examples


class ImputedFile(NamedTuple):
    """A file of examples without gaps, their number, and the fraction of values imputed."""

    path: Path
    examples: int
    missing_fraction: float


def impute(
    run: Run | str | os.PathLike,
    data: str | os.PathLike,
    *,
    missing: str | os.PathLike | None = None,
    out: str | os.PathLike = "imputed.npy",
    iterations: int = 100,
    proposals: int = 50,
    seed: int = 0,
) -> ImputedFile:
    """Impute missing values with their expectation given the observed ones.

    Args:
        run: A run or its folder.
        data: Examples as .npy, NaN where a value is missing.
        missing: A mask as .npy, True where a value is missing.
        out: .npy, or an image sheet (.png, .pdf, .svg).
        iterations: Iterations of the sampler.
        proposals: Latent codes proposed per iteration.
        seed: Seed of the noise.
    """
    run = as_run(run)
    values, gaps = load_incomplete(Path(data), None if missing is None else Path(missing))
    path = check_examples_file(Path(out), run, len(values))
    examples = select_examples(run, None, values).examples
    filled = impute_examples(
        run, examples, gaps, iterations=iterations, proposals=proposals, seed=seed
    )
    title = f"{len(filled)} imputed examples, {run.path.name}"
    save_examples(path, run, iter([filled]), len(filled), title=title)
    return ImputedFile(path, len(filled), float(gaps.mean()))


def impute_examples(
    run: Run,
    examples: Examples,
    missing: np.ndarray,
    *,
    iterations: int = 100,
    proposals: int = 50,
    seed: int = 0,
) -> np.ndarray:
    """`Run.impute` for examples and a mask of their shape; DataError for another mask."""
    for name, number in {"iterations": iterations, "proposals": proposals}.items():
        if number < 1:
            raise ConfigError.for_value(name, number, "a whole number of at least 1")
    missing = channels_first(missing, "missing")
    if missing.shape != examples.x.shape or missing.dtype != bool:
        raise DataError.for_value(
            "missing",
            f"{missing.dtype} {missing.shape}",
            f"bool {examples.x.shape}, one per value",
        )
    return run.impute(examples, missing, iterations=iterations, proposals=proposals, seed=seed)


def load_incomplete(path: Path, mask: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Examples with zeros in the place of missing values, and the mask of these."""
    values = _load_array(path, "data")
    missing = np.zeros(values.shape, bool)
    if values.dtype.kind == "f":
        missing |= np.isnan(values)
    if mask is not None:
        missing |= _load_mask(mask, values.shape)
    if not missing.any():
        raise DataError(
            f"{path} has no missing values. Mark them by NaN, or pass a mask.", parameter="data"
        )
    return np.where(missing, values.dtype.type(0), values), missing


def _load_mask(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    mask = _load_array(path, "missing")
    if mask.shape != shape or mask.dtype.kind not in "bu":
        raise DataError.for_value("missing", f"{mask.dtype} {mask.shape}", f"bool {shape}")
    return mask.astype(bool)


def _load_array(path: Path, parameter: str) -> np.ndarray:
    if path.suffix.lower() != ".npy":
        raise DataError.for_value(parameter, path.name, "an .npy file")
    with data_errors(path):
        return np.load(path, allow_pickle=False)
