"""Judge a run on rows that it was not trained on."""

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from torch import Tensor

from vaekit.data.splits import Part
from vaekit.errors import ConfigError
from vaekit.evaluation import Estimate, elbo_per_row, importance_weighted_bound
from vaekit.inputs import Batch, Inputs, rows_at_once, values_per_row
from vaekit.model import VAE
from vaekit.store import Run, load_run
from vaekit.workflows.rows import as_inputs, rows_to_judge


def evaluate(
    run: Run | str | os.PathLike,
    *,
    split: Part = "test",
    samples: int = 20,
    data: Any = None,
    limit: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Loss, reconstruction, divergence and the importance-weighted bound, in nats per row, each with its standard error.

    split: which rows of the run's data. data: other rows in their place, all of them (where they have a test part, that
        for `test` and the rest for `train`); the run's own data, given again, are split as they were.
    samples: K of the importance-weighted bound log 1/K sum p(x, z) / q(z given x), a lower bound of log p(x) that rises with K.
    limit: the first so many rows only. seed: of the noise.

    Bits per dimension are there where the likelihood is normalised on these data, else the reason why not.
    """
    if samples < 1:
        raise ConfigError(f"samples = {samples}: at least 1")
    if limit is not None and limit < 1:
        raise ConfigError(f"limit = {limit}: at least 1")
    run = run if isinstance(run, Run) else load_run(run)
    rows, part = rows_to_judge(run, split, data)
    inputs = Watched(**vars(as_inputs(run, rows, limit)))
    figures = bound_figures(run.model, inputs, seed=seed)
    if figures["divergence"]:
        bound = importance_weighted_bound(run.model, inputs, samples, seed=seed)
        figures |= {"importance_weighted_bound": _figure(bound)} | _bits_per_dimension(run, rows.x.dtype, bound)
    else:
        figures |= {"bits_per_dimension": None, "why_no_bits_per_dimension": NO_DIVERGENCE}
    return {
        "run": str(run.path),
        "data": run.config.data.source if data is None else _name(data),
        "split": part,
        "rows": len(inputs),
        "unit": "nats per row",
        "samples": samples,
        "seed": seed,
        **figures,
    }


NO_DIVERGENCE = "a deterministic posterior has no finite divergence, so the loss is the reconstruction and bounds no log p(x)"


class Watched(Inputs):
    """Inputs whose batches show a bar with the time left while they are used, on a terminal."""

    def batches(self, model: VAE, size: int | None = None) -> Iterator[Batch]:
        console, size = Console(stderr=True), size or rows_at_once(values_per_row(model))
        batches, total = super().batches(model, size), -(-len(self) // size)
        shown = {
            "description": "importance-weighted bound",
            "total": total,
            "transient": True,
            "disable": not console.is_terminal,
        }
        return iter(track(batches, console=console, **shown))


def bound_figures(model: VAE, inputs: Inputs, *, seed: int) -> dict[str, Any]:
    """The negative ELBO and its two terms, in nats per row; of a plain autoencoder the reconstruction alone."""
    terms = elbo_per_row(model, inputs, seed=seed)
    found = {"loss": _figure(terms.loss), "reconstruction": _figure(terms.reconstruction)}
    if not terms.divergence.shape[1]:
        return {**found, "divergence": None, "why_no_divergence": NO_DIVERGENCE}
    return {**found, "divergence": _figure(terms.divergence.sum(-1))}


def _name(data: Any) -> str:
    return str(data) if isinstance(data, str | os.PathLike) else "rows given"


def _figure(values: Tensor) -> dict[str, float | None]:
    value, error = Estimate.of(values)
    return {"value": value, "standard_error": error}


def _bits_per_dimension(run: Run, dtype: np.dtype, bound: Tensor) -> dict[str, Any]:
    """Bits per dimension by the bound, or why they would mean nothing."""
    kind = run.transform.kind
    discrete = run.support.kind in ("binary", "integers") or dtype.kind in "biu"
    reason = run.model.likelihood.not_normalised(kind)
    if not reason and discrete and kind in ("unit", "real"):
        reason = "a density of values from a few levels, not dequantised, bounds no code length"
    if reason:
        return {"bits_per_dimension": None, "why_no_bits_per_dimension": reason}
    return {"bits_per_dimension": _figure(-bound / (math.prod(run.model.data_shape) * math.log(2)))}
