"""How good reconstructions and samples are, with real rows beside them."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Dataset
from vaekit.decoding import draw_codes, draws_by_part, means_by_part
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import (
    COMPONENTS,
    NETWORKS,
    CodeMixture,
    Components,
    Estimate,
    Inception,
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
LEAST, FEW = 20, 10  # rows: two for each block of the kernel distance; for each feature
FEW_ROWS = "{:,} rows are few for {:,} features: Frechet distances are mostly bias then, which their errors leave out"
SOME_ROWS, MOST_TRAINING, MOST_VALUES = 10_000, 100_000, 2**26


def fit_mixture(run: Run | str | os.PathLike, *, data: Any = None, components: int = 10, seed: int = 0) -> CodeMixture:
    """A Gaussian mixture over the codes of a run's training rows, 10,000 at most: `run.decode(mixture.draw(16))` are new rows.

    data: the run's own, where they are not where they were. Of a conditional run `draw` takes class numbers, one for each code.
    Raises ConfigError for a discrete z, which has no density.

    >>> run.decode(fit_mixture(run).draw(16))  # doctest: +SKIP
    """
    run = run if isinstance(run, Run) else load_run(run)
    if run.model.codebook is not None:
        raise ConfigError("a mixture is a density over codes, those of this run are discrete: draw from the prior")
    return _mixture(run, load_data(run.config, data), components, seed)


def _mixture(run: Run, own: Dataset, components: int, seed: int) -> CodeMixture:
    training, classes = training_rows(run, own, SOME_ROWS, seed), run.model.classes
    y = training.y[training.rows(np.arange(len(training)))] if classes and training.y is not None else None
    return CodeMixture(encode_all(run.model, training, seed=seed).draws, y, classes=classes, components=components, seed=seed)


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


def check_features(name: str | None) -> None:
    """What can be refused before anything is computed: ConfigError for features that are not known, DataError for no file."""
    if name is None or name in ("components", "classifier"):
        return
    if Path(name).suffix not in FILES:
        raise ConfigError(f"features {name!r}: allowed are components, classifier, and a file of Inception's weights (.pth)")
    if not Path(name).is_file():
        raise DataError(f"{name} cannot be read: no such file")


def sample_figures(
    run: Run, inputs: Inputs, own: Dataset, part: str, *, count: int, features: str | None, seed: int
) -> dict[str, Any]:
    """Samples of the prior, of a mixture over codes, and other real rows, each against as many of the rows to judge on.

    own: the run's dataset, of which the rows to judge on are a `part`. count: rows of each, at most as many as there are.
    features: see `feature_network`. Other real rows, those that the run trained on, are the floor: what samples that are as
    good as data would get. Where these are what is judged on, there is none.
    """
    rows = min(count, len(inputs), len(stored_split(run.path).where(own, _training_part(own))[1]))
    if rows < LEAST:
        return _none(f"distances of samples need {LEAST} rows, here are {rows}")
    others, real = training_rows(run, own, rows, seed), _chosen(inputs, rows, seed)
    network = feature_network(run, own, features, rows, seed).to(next(run.model.parameters()).device)
    steps = -(-rows // rows_at_once(values_per_row(run.model)))
    judged_by = lambda parts, what: embed(network, watched(parts, f"features of {what}", steps))  # noqa: E731
    target, known = judged_by(_values(run, real), "real rows"), judged_by(_values(run, others), "other real rows")
    y = None if real.y is None else torch.from_numpy(real.y[real.rows(np.arange(rows))])
    sources: dict[str, DrawCodes] = {"prior": partial(draw_codes, run.model)}
    if run.model.codebook is None:
        with suppress(DataError):  # codes without a density: no mixture
            sources["mixture"] = _mixture(run, own, 10, seed).draw
    found = {name: judged_by(_decoded(run, codes, y, rows, seed), "samples") for name, codes in sources.items()}
    judged = {name: _judged(x, target, nearest(x, known)) for name, x in found.items()}
    if part != _training_part(own):
        judged["floor"] = _judged(known, target, nearest(target, known))
    few = rows < FEW * network.width
    return {
        "samples_judged": {
            "rows": rows,
            "features": network.name,
            "values": f"{'draws from' if _drawn(run) else 'means of'} p(x given z)",
            "floor_of": f"{'training' if own.stream is None else 'validation'} rows",
            "warnings": [FEW_ROWS.format(rows, network.width)] if few else [],
            **judged,
        }
    }


def _none(reason: str) -> dict[str, Any]:
    return {"samples_judged": None, "why_no_samples_judged": reason}


NOT_OWN = _none("samples are judged beside rows of the data that the run was trained on, not of others")


def feature_network(run: Run, own: Dataset, name: str | None, rows: int, seed: int) -> Learned | Components | Inception:
    """What features are compared, of so many rows.

    name: "components", "classifier" (trained now on the training rows, which need labels), the path of a file with the weights
        of Inception v3, or None: the package's own network for the run's data where there is one and rows are many, else
        components, one for every ten rows and 64 at most.
    """
    check_features(name)
    if name == "classifier":
        if not own.labelled:
            raise ConfigError("a classifier needs labels, these data have none: judge by --features components")
        labelled, classes = training_rows(run, own, len(own.train), seed), len(run.config.data.classes)
        return Learned(train_classifier(labelled, classes, seed=seed), "trained on the training rows")
    if name not in (None, "components"):
        if len(run.model.data_shape) != 3 or run.model.data_shape[0] not in (1, 3):
            raise ConfigError(f"Inception v3 takes images of 1 or 3 channels, not {run.model.data_shape}: judge by components")
        return load_inception(name)
    source, scaled = run.config.data.source, run.transform.kind != "real" or run.support.kind == "integers"
    if name is None and source in NETWORKS and scaled and run.model.data_shape == (1, 28, 28):
        network = in_package(source)
        if rows >= FEW * network.width:
            return network
    most = min(SOME_ROWS, MOST_VALUES // math.prod(run.model.data_shape))
    shown = torch.cat(list(_values(run, training_rows(run, own, most, seed, skip=rows)))).cpu()
    with noise(seed):
        return Components(shown, max(1, min(COMPONENTS, rows // FEW)))


def training_rows(run: Run, own: Dataset, count: int, seed: int, *, skip: int = 0) -> Inputs:
    """So many of the rows that a run was trained on, in random order by seed; of shards, of those that validated.

    skip: how many others would be first, which are left out where enough remain.
    """
    rows, indices = stored_split(run.path).where(own, _training_part(own))
    inputs = Inputs(rows.x, run.transform, indices, rows.y)
    return _chosen(inputs, count, seed, skip if len(inputs) >= 2 * skip else 0)


def _training_part(own: Dataset):
    return "train" if own.stream is None else "validation"


def _chosen(inputs: Inputs, count: int, seed: int, skip: int = 0) -> Inputs:
    """So many rows in random order: files have classes one behind the other, and blocks of rows would differ by them."""
    positions = np.random.default_rng(seed).permutation(len(inputs))[skip : skip + count]
    return Inputs(inputs.x, inputs.transform, inputs.rows(positions), inputs.y)


def _values(run: Run, inputs: Inputs) -> Iterator[Tensor]:
    return (x for x, _ in inputs.batches(run.model))


def _decoded(run: Run, codes: DrawCodes, y: Tensor | None, rows: int, seed: int) -> Iterator[Tensor]:
    with noise(seed):
        z = codes(rows, y).reshape(rows, *run.model.latent_shape)
    parts = draws_by_part(run.model, z, y, seed=seed) if _drawn(run) else means_by_part(run.model, z, y)
    return parts if run.transform.kind == "real" else (part.clamp(0, 1) for part in parts)  # as pictures show them


def _drawn(run: Run) -> bool:
    """Whether values are drawn: of zeros and ones, which a mean is not, and of tables, whose noise is part of what they are.

    Of other images it is means that people look at.
    """
    return run.transform.kind == "binary" or len(run.model.data_shape) != 3


def _judged(x: Tensor, real: Tensor, to_training: Tensor) -> dict[str, dict[str, float | None]]:
    """The figures of one set of rows, by their features."""
    figures = {
        "frechet": frechet_distance(x, real),
        "kernel": kernel_distance(x, real),
        **coverage(x, real)._asdict(),
        "to_training": Estimate.of(to_training),
    }
    return {name: figure._asdict() for name, figure in figures.items()}
