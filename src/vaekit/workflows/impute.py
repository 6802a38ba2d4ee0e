"""Rows with values missing, filled in."""

from pathlib import Path

import numpy as np
import torch

from vaekit.core.vae import eval_mode
from vaekit.data import Examples
from vaekit.data.file_reading import data_errors
from vaekit.data.raw_dataset import channels_first
from vaekit.errors import ConfigError, DataError
from vaekit.inference.imputation import impute as fill
from vaekit.inputs import max_batch_examples, values_per_example
from vaekit.runs import Run
from vaekit.runs.run_data import as_inputs
from vaekit.runtime.seeding import seeded_noise


def impute(
    run: Run,
    rows: Examples,
    missing: np.ndarray,
    *,
    sweeps: int = 100,
    candidates: int = 50,
    seed: int = 0,
) -> np.ndarray:
    """Raw rows [N, *shape] as floats, with the model's means of what is missing given the rest.

    missing: bool [N, *shape]. sweeps, candidates: of the sampler, see `vaekit.inference.imputation.impute`.
    Raises ConfigError for a likelihood or a posterior that does not allow it, DataError for a mask of another shape.
    """
    for name, number in {"sweeps": sweeps, "candidates": candidates}.items():
        if number < 1:
            raise ConfigError(f"{name} = {number}: at least 1")
    missing = channels_first(missing, "missing")
    if missing.shape != rows.x.shape or missing.dtype != bool:
        raise DataError(
            f"missing is {missing.dtype} {missing.shape}, the rows are {rows.x.shape}: give a bool for each value"
        )
    model, found, start = run.model, [], 0
    for step, (x, y) in enumerate(
        as_inputs(run, rows).batches(
            model, max_batch_examples(values_per_example(model), candidates)
        )
    ):
        gone = torch.from_numpy(missing[start : start + len(x)]).to(x.device)
        with eval_mode(model), seeded_noise(seed, step):
            filled = fill(model, x, gone, y, sweeps=sweeps, candidates=candidates)
        found.append(run.transform.inverse(filled).numpy(force=True))
        start += len(x)
    return np.where(missing, np.concatenate(found), rows.x)


def load_incomplete(path: Path, mask: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows of an .npy with zeros for what is missing, and where that is: NaN, or True in another .npy of that shape."""
    values = _array(path)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    if mask is not None:
        given = _array(mask)
        if given.shape != values.shape or given.dtype.kind not in "bu":
            raise DataError(
                f"{str(mask)!r} is {given.dtype} {given.shape}, the rows are {values.shape}: give bools of that shape"
            )
        missing |= given.astype(bool)
    if not missing.any():
        raise DataError(
            f"{str(path)!r} has nothing missing: mark it by NaN, or by a mask (--missing MASK.npy)"
        )
    return np.where(missing, values.dtype.type(0), values), missing


def _array(path: Path) -> np.ndarray:
    if path.suffix.lower() != ".npy":
        raise DataError(
            f"{str(path)!r} is no .npy: rows with missing values, and masks, are arrays"
        )
    with data_errors(path):
        return np.load(path, allow_pickle=False)
