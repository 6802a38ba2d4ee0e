"""Bits per dimension: the code length under the model, and the values that it encodes."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from vaekit.evaluation.metric import Metric
from vaekit.evaluation.results import BitsMetric
from vaekit.inference.bounds import importance_weighted_bound
from vaekit.inputs import ModelInputs, UniformDequantization
from vaekit.runs import Run
from vaekit.runtime.seeding import seeded_noise

LEVEL_EXAMPLES = 1000
MAX_LEVELS = 1024
DEQUANTIZATION_STEP = 2**32
"""A step that no batch has, so that the noise of values is independent of that of z."""


def bits_per_dimension(
    run: Run, inputs: ModelInputs, bound: Tensor, samples: int, *, seed: int
) -> BitsMetric:
    """-log2 p(x) / D at most, by a bound of log p(x), or why it would mean nothing.

    A density of levels k is dequantized: log P(k) >= E[log p((k + u) / L)] - D log L, u uniform.

    Args:
        run: The run.
        inputs: N examples.
        bound: Their importance-weighted bound [N].
        samples: K of this bound.
        seed: Seed of the noise.

    References:
        Theis et al., 2016.
    """
    kind, support, dimensions = run.transform.kind, run.support, math.prod(run.model.data_shape)
    if reason := run.model.likelihood.not_normalized(kind):
        return BitsMetric(Metric(None, unavailable=reason))
    basis = f"probabilities of values, K = {samples}"
    if kind in ("unit", "real"):
        if support.kind == "integers":
            basis = (
                f"levels, by the density of (k + u) / {support.levels}, u uniform, K = {samples}"
            )
            bound = _dequantized_bound(run, inputs, samples, seed)
            bound = bound - dimensions * math.log(support.levels)
        elif support.kind == "binary" or _has_few_levels(inputs):
            reason = "a density of few levels, not dequantized, bounds no code length"
            return BitsMetric(Metric(None, unavailable=f"{reason} (support integers:L can)"))
        else:
            basis = f"a density, comparable on data of one scale, K = {samples}"
    return BitsMetric(Metric.mean_of(-bound / (dimensions * math.log(2))), basis)


def is_dequantized(run: Run) -> bool:
    """Whether bits per dimension need a bound of their own, on dequantized levels."""
    kind = run.transform.kind
    is_density = kind in ("unit", "real") and not run.model.likelihood.not_normalized(kind)
    return is_density and run.support.kind == "integers"


def _has_few_levels(inputs: ModelInputs) -> bool:
    """Whether values are integers, or floats of few levels, such as former bytes."""
    x = inputs.select(np.arange(min(LEVEL_EXAMPLES, len(inputs)))).x
    if not x.is_floating_point():
        return True
    return len(x.unique()) <= min(MAX_LEVELS, x.numel() // 16)


def _dequantized_bound(run: Run, inputs: ModelInputs, samples: int, seed: int) -> Tensor:
    transform = UniformDequantization(run.transform.kind, float(run.support.levels))
    with seeded_noise(seed, DEQUANTIZATION_STEP), torch.no_grad():
        inputs = replace(inputs, transform=transform)
        return importance_weighted_bound(run.model, inputs, samples, seed=seed)
