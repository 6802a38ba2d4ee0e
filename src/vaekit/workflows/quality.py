"""How good reconstructions and samples are, with real rows beside them."""

import math
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vaekit.data import Dataset
from vaekit.decoding import draw_codes, draws_by_part, means_by_part
from vaekit.errors import ConfigError
from vaekit.evaluation import (
    NETWORKS,
    CodeMixture,
    Components,
    Estimate,
    Learned,
    coverage,
    embed,
    encode_all,
    fidelity,
    frechet_distance,
    in_package,
    kernel_distance,
    load_inception,
    nearest,
    train_classifier,
)
from vaekit.inputs import Inputs, rows_at_once, values_per_row
from vaekit.noise import noise
from vaekit.store import Run, load_run
from vaekit.workflows.prepare import load_data, stored_split
from vaekit.workflows.use import DrawCodes
from vaekit.workflows.watching import watched

FILES = (".pth", ".pt", ".safetensors")
LEAST = 20  # rows: two for each block of the kernel distance
SOME_ROWS, MOST_TRAINING = 10_000, 100_000


def fit_mixture(run: Run | str | os.PathLike, *, data: Any = None, components: int = 10, seed: int = 0) -> CodeMixture:
    """A Gaussian mixture over the codes of a run's training rows, 10,000 at most: `run.decode(mixture.draw(16))` are new rows.

    data: the run's own, where it was trained on arrays in memory.
    Raises ConfigError for a discrete z, which has no density.

    >>> run.decode(fit_mixture(run).draw(16))  # doctest: +SKIP
    """
    run = run if isinstance(run, Run) else load_run(run)
    if run.model.codebook is not None:
        raise ConfigError("a mixture is a density over codes, those of this run are discrete: draw from the prior")
    training = training_rows(run, load_data(run.config, data), SOME_ROWS, seed)
    return _mixture(run, training, components, seed)


def nearest_training(run: Run, own: Dataset, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The raw training rows that are closest to rows as the model takes them, by Euclidean distance, and these, [N] each.

    Of more than 100,000 training rows it is so many, drawn by seed.
    """
    training, start = training_rows(run, own, MOST_TRAINING, 0), 0
    least, at = torch.full((len(x),), math.inf), torch.zeros(len(x), dtype=torch.long)
    for rows, _ in training.batches(run.model):
        found = torch.cdist(x.flatten(1), rows.cpu().flatten(1).to(x)).min(1)
        at = torch.where(found.values < least, found.indices + start, at)
        least = torch.minimum(least, found.values)
        start += len(rows)
    return training.x[training.rows(at.numpy())], least.numpy()


def reconstruction_figures(run: Run, inputs: Inputs) -> dict[str, Any]:
    """What `fidelity` finds of the rows; what these have not is not there."""
    span = None if run.transform.kind == "real" else 1.0
    found = fidelity(run.model, inputs, span=span)._asdict()
    return {name: value._asdict() for name, value in found.items() if value is not None}


def sample_figures(run: Run, inputs: Inputs, own: Dataset, *, count: int, features: str | None, seed: int) -> dict[str, Any]:
    """Samples of the prior, of a mixture over codes, and training rows, each against the same number of rows to judge on.

    own: the run's dataset. count: rows of each, at most as many as there are. features: see `feature_network`.
    The training rows are the floor: what real rows would get.
    """
    rows = min(count, len(inputs), len(stored_split(run.path).where(own, _training_part(own))[1]))
    if rows < LEAST:
        return {"samples_judged": None, "why_no_samples_judged": f"distances of samples need {LEAST} rows, here are {rows}"}
    training, real = training_rows(run, own, rows, seed), _chosen(inputs, rows, seed)
    network = feature_network(run, own, features, seed).to(next(run.model.parameters()).device)
    steps = -(-rows // rows_at_once(values_per_row(run.model)))
    judged_by = lambda parts, what: embed(network, watched(parts, f"features of {what}", steps))  # noqa: E731
    target, known = judged_by(_values(run, real), "real rows"), judged_by(_values(run, training), "training rows")
    y = None if real.y is None else torch.from_numpy(real.y[real.rows(np.arange(rows))])
    found = {"prior": _decoded(run, partial(draw_codes, run.model), y, rows, seed)}
    if run.model.codebook is None:
        found["mixture"] = _decoded(run, _mixture(run, training, 10, seed).draw, y, rows, seed)
    judged = {name: _judged(x := judged_by(parts, "samples"), target, nearest(x, known)) for name, parts in found.items()}
    judged["training"] = _judged(known, target, nearest(target, known))
    shown = "draws from" if _drawn(run) else "means of"
    return {"samples_judged": {"rows": rows, "features": network.name, "values": f"{shown} p(x given z)", **judged}}


def feature_network(run: Run, own: Dataset, name: str | None, seed: int) -> nn.Module:
    """What features are compared.

    name: "components", "classifier" (trained now on the training rows, which need labels), the path of a file with the weights
        of Inception v3, or None: the package's own network for the run's data where there is one, else components.
    """
    if name and Path(name).suffix in FILES:
        if len(run.model.data_shape) != 3 or run.model.data_shape[0] not in (1, 3):
            raise ConfigError(f"Inception v3 takes images of 1 or 3 channels, not {run.model.data_shape}: judge by components")
        return load_inception(name)
    if name == "classifier":
        if not own.labelled:
            raise ConfigError("a classifier needs labels, these data have none: judge by --features components")
        rows, classes = training_rows(run, own, len(own.train), seed), len(run.config.data.classes)
        return Learned(train_classifier(rows, classes, seed=seed), "trained on the training rows")
    source, scaled = run.config.data.source, run.transform.kind != "real" or run.support.kind == "integers"
    if name is None and source in NETWORKS and scaled and run.model.data_shape == (1, 28, 28):
        return in_package(source)
    if name not in (None, "components"):
        raise ConfigError(f"features {name!r}: allowed are components, classifier, and a file of Inception's weights (.pth)")
    return Components(torch.cat(list(_values(run, training_rows(run, own, SOME_ROWS, seed)))).float().cpu())


def training_rows(run: Run, own: Dataset, count: int, seed: int) -> Inputs:
    """So many of the rows that a run was trained on, drawn by seed; of shards, of those that validated."""
    rows, indices = stored_split(run.path).where(own, _training_part(own))
    return _chosen(Inputs(rows.x, run.transform, indices, rows.y), count, seed)


def _training_part(own: Dataset):
    return "train" if own.stream is None else "validation"


def _chosen(inputs: Inputs, count: int, seed: int) -> Inputs:
    """So many rows, by seed, in their order."""
    positions = np.sort(np.random.default_rng(seed).permutation(len(inputs))[:count])
    return Inputs(inputs.x, inputs.transform, inputs.rows(positions), inputs.y)


def _values(run: Run, inputs: Inputs) -> Iterator[Tensor]:
    return (x for x, _ in inputs.batches(run.model))


def _mixture(run: Run, training: Inputs, components: int, seed: int) -> CodeMixture:
    classes = run.model.classes
    y = training.y[training.rows(np.arange(len(training)))] if classes and training.y is not None else None
    return CodeMixture(encode_all(run.model, training, seed=seed).draws, y, classes=classes, components=components, seed=seed)


def _decoded(run: Run, codes: DrawCodes, y: Tensor | None, rows: int, seed: int) -> Iterator[Tensor]:
    with noise(seed):
        z = codes(rows, y).reshape(rows, *run.model.latent_shape)
    return draws_by_part(run.model, z, y, seed=seed) if _drawn(run) else means_by_part(run.model, z, y)


def _drawn(run: Run) -> bool:
    """Whether rows are zeros and ones, which a mean is not."""
    return run.transform.kind == "binary"


def _judged(x: Tensor, real: Tensor, to_training: Tensor) -> dict[str, dict[str, float | None]]:
    """The figures of one set of rows, by their features."""
    figures = {
        "frechet": frechet_distance(x, real),
        "kernel": kernel_distance(x, real),
        **coverage(x, real)._asdict(),
        "to_training": Estimate.of(to_training),
    }
    return {name: figure._asdict() for name, figure in figures.items()}
