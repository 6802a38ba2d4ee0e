"""Bits per dimension: how long a code of the rows the model allows, and what of them it is a code of."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.evaluation import Estimate, importance_weighted_bound
from vaekit.inputs import ModelInputs, UniformDequantization
from vaekit.runs import Run
from vaekit.runtime.seeding import seeded_noise

ROWS, MOST_LEVELS = 1000, 1024
OWN_NOISE = 2**32  # a step that no batch is: the noise of values is independent of that of z


def bits_per_dimension(
    run: Run, inputs: ModelInputs, bound: Tensor, samples: int, *, seed: int
) -> dict[str, Any]:
    """-log2 p(x) / D at most, by the bound of log p(x), and of what; or why it would mean nothing.

    The density of levels k is dequantised: log P(k) >= E[log p((k + u) / L)] - D log L, u uniform (Theis et al., 2016).
    """
    kind, support = run.transform.kind, run.support
    reason, of = (
        run.model.likelihood.not_normalised(kind),
        f"probabilities of values, K = {samples}",
    )
    if not reason and kind in ("unit", "real"):
        if support.kind == "integers":
            of = f"levels, by the density of (k + u) / {support.levels}, u uniform, K = {samples}"
            bound = _dequantised(run, inputs, samples, seed) - math.prod(
                run.model.data_shape
            ) * math.log(support.levels)
        elif support.kind == "binary" or _few_levels(inputs):
            reason = "a density of values from a few levels, not dequantised, bounds no code length (support integers:L can)"
        else:
            of = f"a density on the scale of the data, which halves with each bit: for data of one scale, K = {samples}"
    if reason:
        return {"bits_per_dimension": None, "why_no_bits_per_dimension": reason}
    found = Estimate.of(-bound / (math.prod(run.model.data_shape) * math.log(2)))
    return {"bits_per_dimension": {**found._asdict(), "of": of}}


def _few_levels(inputs: ModelInputs) -> bool:
    """Whether values are whole numbers, or far fewer than there are places for: floats that were bytes."""
    some = inputs.select(np.arange(min(ROWS, len(inputs)))).x
    return not some.is_floating_point() or len(some.unique()) <= min(
        MOST_LEVELS, some.numel() // 16
    )


def _dequantised(run: Run, inputs: ModelInputs, samples: int, seed: int) -> Tensor:
    with seeded_noise(seed, OWN_NOISE), torch.no_grad():
        rows = replace(
            inputs, transform=UniformDequantization(run.transform.kind, float(run.support.levels))
        )
        return importance_weighted_bound(run.model, rows, samples, seed=seed)
