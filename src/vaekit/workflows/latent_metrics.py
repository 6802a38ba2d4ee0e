"""Figures of a run's latent space, and what they mean in words."""

import math
from typing import Any

import numpy as np

from vaekit.core.distributions import is_deterministic, is_discrete
from vaekit.data import Dataset
from vaekit.evaluation import (
    ExampleTerms,
    aggregate_posterior,
    encode_all,
    latent_activity,
    prior_holes,
    probe,
)
from vaekit.evaluation.latent import ACTIVE
from vaekit.inputs import ModelInputs
from vaekit.runs import Run, load_split

MOST_ROWS = 5_000  # every code is compared with every other
PROBE_ROWS = 10_000
MANY_HOLES = 0.1
LITTLE = 0.1  # nats


def latent_space(
    run: Run, inputs: ModelInputs, terms: ExampleTerms, dataset: Dataset | None, *, seed: int
) -> dict[str, Any]:
    """Active units, divergence by dimension, mutual information, distance of all codes from the prior, holes, probes; warnings.

    terms: of the same rows. dataset: the run's own, where classes are to be read off the codes of its test rows.
    What means nothing for this run is not there.
    """
    codes = encode_all(run.model, first(inputs, MOST_ROWS), seed=seed)
    q, own_prior = (
        codes.posteriors[0],
        not run.model.prior_distribution(run.model.dummy_condition(1)).batch_shape,
    )
    continuous = not is_discrete(q)
    found: dict[str, Any] = {"rows": len(codes.points), "dimensions": codes.points.shape[1]}
    if continuous:
        found["active"] = int((latent_activity(codes) > ACTIVE).sum())
    if terms.divergence.shape[1] > 1:
        found["divergence_per_dimension"] = terms.divergence.mean(0).tolist()
    several = len(codes.points) > 1
    if several and own_prior and (is_discrete(q) or not is_deterministic(q)):
        found |= {
            name: value._asdict()
            for name, value in aggregate_posterior(run.model, codes)._asdict().items()
        }
        found["most_information"] = math.log(len(codes.points))
    if several and own_prior and continuous:
        found["prior_holes"] = prior_holes(run.model, codes, seed=seed)
    if dataset is not None and dataset.labelled:
        found["probes"] = _probes(run, dataset, seed)
    return found | {"warnings": _warnings(found)}


def first(inputs: ModelInputs, rows: int) -> ModelInputs:
    """So many of the rows, the first."""
    indices = inputs.rows(np.arange(min(rows, len(inputs))))
    return ModelInputs(inputs.x, inputs.transform, indices, inputs.y)


def _probes(run: Run, dataset: Dataset, seed: int) -> dict[str, float]:
    found = []
    for part in ("train", "test"):
        rows, indices = load_split(run.path).where(dataset, part)
        assert rows.y is not None
        chosen = np.random.default_rng(seed).permutation(indices)[:PROBE_ROWS]
        inputs = ModelInputs(rows.x, run.transform, chosen, rows.y if run.model.classes else None)
        found += [encode_all(run.model, inputs, seed=seed).points.numpy(), rows.y[chosen]]
    return probe(*found)._asdict()


def _warnings(found: dict[str, Any]) -> list[str]:
    """What a reader should know, each with what to try."""
    told, size = [], found["dimensions"]
    idle = size - found.get("active", size)
    if idle == size or found.get("mutual_information", {"value": 1.0})["value"] < LITTLE:
        told.append(
            "codes say next to nothing about their rows, the decoder ignores z (posterior collapse): try "
            "objective.beta below 1, objective.warmup, objective.free_bits, or a weaker decoder"
        )
    elif idle:
        told.append(
            f"{idle} of {size} dimensions carry nothing: latent_dim={size - idle} would do, or try objective.beta below 1 or "
            "objective.free_bits"
        )
    if found.get("prior_holes", 0.0) > MANY_HOLES:
        told.append(
            f"{found['holes']:.0%} of the prior's draws are far from every code, where the decoder has learned nothing: "
            "samples from there may look like no data; try a larger objective.beta, or codes from a mixture (sample --mixture)"
        )
    if (
        "mutual_information" in found
        and found["mutual_information"]["value"] > found["most_information"] - 1
    ):
        told.append(
            f"{found['rows']:,} rows can show {found['most_information']:.2f} nats of information at most, and do: there may "
            "be more, and the distance of all codes from the prior may be smaller"
        )
    return told
