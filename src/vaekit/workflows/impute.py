"""Replace missing values of examples in a file."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.data.readers.npz import read_npy
from vaekit.errors import DataError
from vaekit.runs import Run, as_run
from vaekit.runs.example_selection import select_examples
from vaekit.runtime.device import keep_freed_memory
from vaekit.runtime.library_call import library_call
from vaekit.workflows.save_examples import check_examples_file, save_examples


class ImputedFile(NamedTuple):
    """A file of imputed examples, their number, and the fraction of values imputed."""

    path: Path
    examples: int
    missing_fraction: float


@library_call
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

    Raises:
        ConfigError: Another file format, or a likelihood that does not allow imputation.
        DataError: Files that mark no missing values, or do not suit the model.

    >>> x = images[:3].astype(float)
    >>> x[..., :4] = np.nan
    >>> np.save("incomplete.npy", x)
    >>> impute("runs/conv", "incomplete.npy", iterations=4).missing_fraction
    0.5
    """
    keep_freed_memory()
    run = as_run(run)
    values, mask = load_incomplete(Path(data), None if missing is None else Path(missing))
    path = check_examples_file(Path(out), run, len(values))
    examples = select_examples(run, None, values).examples
    imputed = run.impute(examples, mask, iterations=iterations, proposals=proposals, seed=seed)
    title = f"{len(imputed)} imputed examples, {run.path.name}"
    save_examples(path, run, iter([imputed]), len(imputed), title=title)
    return ImputedFile(path, len(imputed), float(mask.mean()))


def load_incomplete(path: Path, mask: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Examples with zeros for missing values, and the mask of these."""
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
    return read_npy(path, parameter)
