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
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation import (
    COMPONENTS,
    NETWORKS,
    ClassifierFeatures,
    Components,
    Estimate,
    Inception,
    embed,
    frechet_distance,
    in_package,
    kernel_distance,
    load_inception,
    nearest_distance,
    precision_recall,
    reconstruction_metrics,
    train_classifier,
)
from vaekit.inference.encode_decode import iter_decode_means, iter_decode_samples, sample_prior
from vaekit.inputs import ModelInputs, max_batch_examples, values_per_example
from vaekit.inputs.tracked import track_steps
from vaekit.runs import Run
from vaekit.runs.training_examples import (
    SOME_ROWS,
    count_training_examples,
    fit_mixture_to,
    reference_split,
    select_random,
    training_examples,
)
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows.use import DrawCodes

FILES = (".pth", ".pt", ".safetensors")
LEAST, FEW = 20, 10  # rows: two for each block of the kernel distance; for each feature
FEW_ROWS = "{:,} rows are few for {:,} features: Frechet distances are mostly bias then, which their errors leave out"
MOST_VALUES = 2**26


def reconstruction_figures(run: Run, inputs: ModelInputs) -> dict[str, Any]:
    """What `fidelity` finds of the rows; what these have not is not there."""
    span = None if run.transform.kind == "real" else 1.0
    found = reconstruction_metrics(run.model, inputs, span=span)._asdict()
    return {name: value._asdict() for name, value in found.items() if value is not None}


def check_features(name: str | None) -> None:
    """What can be refused before anything is computed: ConfigError for features that are not known, DataError for no file."""
    if name is None or name in ("components", "classifier"):
        return
    if Path(name).suffix not in FILES:
        raise ConfigError(
            f"features {name!r}: allowed are components, classifier, and a file of Inception's weights (.pth)"
        )
    if not Path(name).is_file():
        raise DataError(f"{name} cannot be read: no such file")


def sample_figures(
    run: Run,
    inputs: ModelInputs,
    own: Dataset,
    part: str,
    *,
    count: int,
    features: str | None,
    seed: int,
) -> dict[str, Any]:
    """Samples of the prior, of a mixture over codes, and other real rows, each against as many of the rows to judge on.

    own: the run's dataset, of which the rows to judge on are a `part`. count: rows of each, at most as many as there are.
    features: see `feature_network`. Other real rows, those that the run trained on, are the floor: what samples that are as
    good as data would get. Where these are what is judged on, there is none.
    """
    rows = min(count, len(inputs), count_training_examples(run, own))
    if rows < LEAST:
        return _none(f"distances of samples need {LEAST} rows, here are {rows}")
    others, real = training_examples(run, own, rows, seed), select_random(inputs, rows, seed)
    network = feature_network(run, own, features, rows, seed).to(
        next(run.model.parameters()).device
    )
    steps = -(-rows // max_batch_examples(values_per_example(run.model)))
    selection_metric = lambda parts, what: embed(
        network, track_steps(parts, f"features of {what}", steps)
    )  # noqa: E731
    target, known = (
        selection_metric(_values(run, real), "real rows"),
        selection_metric(_values(run, others), "other real rows"),
    )
    y = None if real.y is None else torch.from_numpy(real.y[real.rows(np.arange(rows))])
    sources: dict[str, DrawCodes] = {"prior": partial(sample_prior, run.model)}
    if run.model.codebook is None:
        with suppress(DataError):  # codes without a density: no mixture
            sources["mixture"] = fit_mixture_to(run, own, seed=seed).draw
    found = {
        name: selection_metric(_decoded(run, codes, y, rows, seed), "samples")
        for name, codes in sources.items()
    }
    judged = {name: _judged(x, target, nearest_distance(x, known)) for name, x in found.items()}
    if part != reference_split(own):
        judged["real_data_baseline"] = _judged(known, target, nearest_distance(target, known))
    few = rows < FEW * network.width
    return {
        "sample_quality": {
            "rows": rows,
            "features": network.name,
            "values": f"{'draws from' if _drawn(run) else 'means of'} p(x given z)",
            "baseline_of": f"{'training' if own.stream is None else 'validation'} rows",
            "warnings": [FEW_ROWS.format(rows, network.width)] if few else [],
            **judged,
        }
    }


def _none(reason: str) -> dict[str, Any]:
    return {"sample_quality": None, "why_no_sample_quality": reason}


NOT_OWN = _none(
    "samples are judged beside rows of the data that the run was trained on, not of others"
)


def feature_network(
    run: Run, own: Dataset, name: str | None, rows: int, seed: int
) -> ClassifierFeatures | Components | Inception:
    """What features are compared, of so many rows.

    name: "components", "classifier" (trained now on the training rows, which need labels), the path of a file with the weights
        of Inception v3, or None: the package's own network for the run's data where there is one and rows are many, else
        components, one for every ten rows and 64 at most.
    """
    check_features(name)
    if name == "classifier":
        if not own.labelled:
            raise ConfigError(
                "a classifier needs labels, these data have none: judge by --features components"
            )
        labelled, classes = (
            training_examples(run, own, len(own.train), seed),
            len(run.config.data.classes),
        )
        return ClassifierFeatures(
            train_classifier(labelled, classes, seed=seed), "trained on the training rows"
        )
    if name not in (None, "components"):
        if len(run.model.data_shape) != 3 or run.model.data_shape[0] not in (1, 3):
            raise ConfigError(
                f"Inception v3 takes images of 1 or 3 channels, not {run.model.data_shape}: judge by components"
            )
        return load_inception(name)
    source, scaled = (
        run.config.data.source,
        run.transform.kind != "real" or run.support.kind == "integers",
    )
    if name is None and source in NETWORKS and scaled and run.model.data_shape == (1, 28, 28):
        network = in_package(source)
        if rows >= FEW * network.width:
            return network
    most = min(SOME_ROWS, MOST_VALUES // math.prod(run.model.data_shape))
    shown = torch.cat(list(_values(run, training_examples(run, own, most, seed, skip=rows)))).cpu()
    with seeded_noise(seed):
        return Components(shown, max(1, min(COMPONENTS, rows // FEW)))


def _values(run: Run, inputs: ModelInputs) -> Iterator[Tensor]:
    return (x for x, _ in inputs.batches(run.model))


def _decoded(
    run: Run, codes: DrawCodes, y: Tensor | None, rows: int, seed: int
) -> Iterator[Tensor]:
    with seeded_noise(seed):
        z = codes(rows, y).reshape(rows, *run.model.latent_shape)
    parts = (
        iter_decode_samples(run.model, z, y, seed=seed)
        if _drawn(run)
        else iter_decode_means(run.model, z, y)
    )
    return (
        parts if run.transform.kind == "real" else (part.clamp(0, 1) for part in parts)
    )  # as pictures show them


def _drawn(run: Run) -> bool:
    """Whether values are drawn: of zeros and ones, which a mean is not, and of tables, whose noise is part of what they are.

    Of other images it is means that people look at.
    """
    return run.transform.kind == "binary" or len(run.model.data_shape) != 3


def _judged(
    x: Tensor, real: Tensor, nearest_training_distance: Tensor
) -> dict[str, dict[str, float | None]]:
    """The figures of one set of rows, by their features."""
    figures = {
        "frechet": frechet_distance(x, real),
        "kernel": kernel_distance(x, real),
        **precision_recall(x, real)._asdict(),
        "nearest_training_distance": Estimate.of(nearest_training_distance),
    }
    return {name: figure._asdict() for name, figure in figures.items()}
