"""How good reconstructions and samples are, with real rows beside them."""

import math
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
    Components,
    Estimate,
    Inception,
    Learned,
    coverage,
    embed,
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
from vaekit.store import Run
from vaekit.workflows.training_rows import SOME_ROWS, chosen, count_training_rows, mixture_over, training_part, training_rows
from vaekit.workflows.use import DrawCodes
from vaekit.workflows.watching import watched

FILES = (".pth", ".pt", ".safetensors")
LEAST, FEW = 20, 10  # rows: two for each block of the kernel distance; for each feature
FEW_ROWS = "{:,} rows are few for {:,} features: Frechet distances are mostly bias then, which their errors leave out"
MOST_VALUES = 2**26


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
    rows = min(count, len(inputs), count_training_rows(run, own))
    if rows < LEAST:
        return _none(f"distances of samples need {LEAST} rows, here are {rows}")
    others, real = training_rows(run, own, rows, seed), chosen(inputs, rows, seed)
    network = feature_network(run, own, features, rows, seed).to(next(run.model.parameters()).device)
    steps = -(-rows // rows_at_once(values_per_row(run.model)))
    judged_by = lambda parts, what: embed(network, watched(parts, f"features of {what}", steps))  # noqa: E731
    target, known = judged_by(_values(run, real), "real rows"), judged_by(_values(run, others), "other real rows")
    y = None if real.y is None else torch.from_numpy(real.y[real.rows(np.arange(rows))])
    sources: dict[str, DrawCodes] = {"prior": partial(draw_codes, run.model)}
    if run.model.codebook is None:
        with suppress(DataError):  # codes without a density: no mixture
            sources["mixture"] = mixture_over(run, own, seed=seed).draw
    found = {name: judged_by(_decoded(run, codes, y, rows, seed), "samples") for name, codes in sources.items()}
    judged = {name: _judged(x, target, nearest(x, known)) for name, x in found.items()}
    if part != training_part(own):
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
