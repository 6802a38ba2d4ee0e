"""The content of the explorer of a run: latent codes, loss terms, the model, the prior."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import vaekit
from vaekit.core.codebook import Codebook
from vaekit.data import Examples, evenly_spaced_indices
from vaekit.data.shown_range import shown_range
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError
from vaekit.explorer import DiscreteFacts, ExplorerContent, Facts, LatentFacts
from vaekit.explorer.content import LossValue, NormalPrior, SampledPrior
from vaekit.export import DECODER, ENCODER
from vaekit.inference.bounds import ExampleTerms, elbo_per_example
from vaekit.inference.encode_decode import LatentCodes, sample_prior
from vaekit.inference.prior_density import (
    has_deterministic_posterior,
    has_prior,
    normal_parameters,
)
from vaekit.inputs import as_tensor
from vaekit.inputs.tracked import track_inputs
from vaekit.plots import CLASS_COLORS, class_shapes, principal_axes
from vaekit.runs import Run
from vaekit.runs.example_selection import data_label, select_examples
from vaekit.runs.run_data import data_name
from vaekit.runtime.seeding import seeded_noise
from vaekit.workflows.export import export_graphs

MAX_EXAMPLES = 200_000
MAX_COMPONENTS = 8
MIN_PRIOR_SAMPLES = 2_000
"""Samples of a prior that is not normal: a page samples only normal ones."""
MAX_ORIGINALS = 2_000
MAX_ORIGINAL_BYTES = 16_000_000
MIN_SLIDER_STDDEVS = 3.0
"""Standard deviations of the prior that sliders reach at least."""
MAX_NAME_CHARACTERS = 4_000_000
"""Characters of all names of files in a page."""
RANGE_EXAMPLES = 1_000

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class _LatentContent:
    facts: LatentFacts
    arrays: Arrays


def build_content(
    run: Run,
    *,
    split: SplitName | None = None,
    data: Any = None,
    max_examples: int = MAX_EXAMPLES,
) -> ExplorerContent:
    """Encode the examples for the map, and export the model for the browser.

    Args:
        run: The run.
        split: The part of the dataset on the map; default test.
        data: Other examples for the map; default the run's dataset.
        max_examples: The largest number of examples.

    Raises:
        ConfigError: There are too many examples.
    """
    examples, part, _ = select_examples(run, split, data)
    if len(examples) > max_examples:
        raise ConfigError.for_value(
            "data",
            f"{len(examples):,} examples",
            f"at most {max_examples:,}",
            problem="the data are too large for a map",
            fix="Pass fewer examples as data",
        )
    graphs = export_graphs(run, examples)
    terms = elbo_per_example(run.model, track_inputs(run.inputs(examples)))
    loss_terms = _loss_terms(terms)
    latent = _latent_content(run, run.encode(examples), terms)
    prior, prior_arrays = _prior(run)
    labels = {} if examples.y is None else {"labels": examples.y.astype(np.uint16)}
    facts = Facts(
        version=vaekit.__version__,
        name=run.path.name,
        recipe=run.config.recipe,
        data=data_name(run) if data is None else data_label(data),
        part=part,
        examples=len(examples),
        shape=list(run.model.data_shape),
        support=str(run.support),
        value_range=_value_range(run, examples),
        latent=latent.facts,
        classes=list(run.config.data.classes),
        colors=list(CLASS_COLORS),
        shapes=class_shapes(),
        conditional=bool(run.model.classes),
        terms=("reconstruction", "divergence")[: loss_terms.shape[1]],
        test_loss=_test_loss(run),
        prior=prior,
        stochastic_posterior=not has_deterministic_posterior(run.model),
        files=_files(examples),
        findings=[finding.text for finding in run.verdict],
    )
    return ExplorerContent(
        facts,
        {"terms": loss_terms, **labels, **latent.arrays, **prior_arrays},
        encoder=graphs[ENCODER].onnx,
        decoder=graphs[DECODER].onnx,
        original=lambda index: _as_bytes_or_floats(examples.x[index]),
    )


def embed_originals(
    content: ExplorerContent,
    *,
    max_originals: int = MAX_ORIGINALS,
    max_bytes: int = MAX_ORIGINAL_BYTES,
) -> ExplorerContent:
    """Add raw examples at evenly spaced indices, for a page without a server.

    Args:
        content: The content.
        max_originals: The largest number of them.
        max_bytes: Their largest size, except that one is always added.
    """
    fitting = max_bytes // content.original(0).nbytes
    count = max(1, min(max_originals, fitting))
    return content.with_originals(evenly_spaced_indices(content.facts.examples, count))


def _files(examples: Examples) -> list[str]:
    """The names of the files; none if they would make the page slow."""
    names = [] if examples.files is None else examples.files.tolist()
    return names if sum(map(len, names)) <= MAX_NAME_CHARACTERS else []


def _as_bytes_or_floats(example: np.ndarray) -> np.ndarray:
    return example if example.dtype == np.uint8 else example.astype(np.float32)


def _loss_terms(terms: ExampleTerms) -> np.ndarray:
    """Reconstruction and, if it is finite, divergence, [N, 1 or 2]."""
    columns = [terms.reconstruction]
    if terms.divergence.shape[1]:
        columns.append(terms.divergence.sum(-1))
    return torch.stack(columns, 1).float().numpy()


def _test_loss(run: Run) -> LossValue | None:
    """The test loss if the summary, which may come from elsewhere, has a finite one."""
    loss = run.summary.get("test", {}).get("loss")
    if not isinstance(loss, dict) or not _is_finite(loss.get("value")):
        return None
    error = loss.get("standard_error")
    return LossValue(loss["value"], error if _is_finite(error) else None)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _latent_content(run: Run, codes: LatentCodes, terms: ExampleTerms) -> _LatentContent:
    codebook = run.model.codebook
    if codes.indices is not None and codebook is not None:
        return _discrete_content(codes.mean, codes.indices, codebook)
    is_per_dimension = terms.divergence.shape[1] == codes.mean.shape[1]
    divergence = terms.divergence.mean(0).numpy() if is_per_dimension else None
    return _continuous_content(codes.mean, divergence)


def _continuous_content(codes: np.ndarray, divergence: np.ndarray | None) -> _LatentContent:
    """The codes, the activity and the range of each dimension, and principal components."""
    dim = codes.shape[1]
    low, high = np.quantile(codes, (0.005, 0.995), axis=0)
    if divergence is None:
        activity = codes.var(0)
        unit = "variance"
    else:
        activity = divergence
        unit = "nats"
        low = np.minimum(low, -MIN_SLIDER_STDDEVS)
        high = np.maximum(high, MIN_SLIDER_STDDEVS)

    arrays = {"codes": codes.astype(np.float32)}
    explained: list[float] = []
    if dim > 2:
        components, explained, _ = _principal_components(codes)
        arrays |= components
    facts = LatentFacts(
        dim,
        activity=activity.round(4).tolist(),
        activity_unit=unit,
        order=np.argsort(-activity, kind="stable").tolist(),
        low=low.tolist(),
        high=high.tolist(),
        explained_variance=explained,
    )
    return _LatentContent(facts, arrays)


def _discrete_content(codes: np.ndarray, indices: np.ndarray, codebook: Codebook) -> _LatentContent:
    """Coordinates along principal components instead of long codes, indices, and the codebook."""
    components, explained, coordinates = _principal_components(codes)
    arrays = {
        "codes": coordinates,
        "indices": indices.astype(np.uint16),
        "codebook": codebook.vectors.numpy(force=True).astype(np.float32),
        **components,
    }
    layout = DiscreteFacts(codebook.positions, codebook.count, codebook.groups)
    facts = LatentFacts(codes.shape[1], discrete=layout, explained_variance=explained)
    return _LatentContent(facts, arrays)


def _principal_components(codes: np.ndarray) -> tuple[Arrays, list[float], np.ndarray]:
    """Components and center of the codes, explained variance, and coordinates of the codes."""
    mean, axes, explained = principal_axes(codes, MAX_COMPONENTS)
    arrays = {"center": mean.astype(np.float32), "components": axes.T.astype(np.float32)}
    coordinates = ((codes - mean) @ axes).astype(np.float32)
    return arrays, explained.round(4).tolist(), coordinates


def _prior(run: Run) -> tuple[NormalPrior | SampledPrior | None, Arrays]:
    """The parameters of a normal prior, samples of another; None if training did not use one."""
    if not has_prior(run.model):
        return None, {}
    normal = normal_parameters(run.model)
    if normal is None:
        return _sampled_prior(run)
    return NormalPrior(normal.mean.tolist(), normal.stddev.tolist()), {}


def _sampled_prior(run: Run) -> tuple[SampledPrior, Arrays]:
    """Samples of the prior as codes or codebook indices; equally many of each class."""
    model = run.model
    count = MIN_PRIOR_SAMPLES
    labels = None
    if model.classes:
        labels = torch.arange(model.classes).repeat(-(-count // model.classes))
        count = len(labels)
    with seeded_noise(0):
        z = sample_prior(model, count, labels)
    if model.codebook is None:
        samples = z.flatten(1).cpu().numpy().astype(np.float32)
    else:
        samples = model.codebook.indices(z).cpu().numpy().astype(np.uint16)
    return SampledPrior(count), {"prior_samples": samples}


def _value_range(run: Run, examples: Examples) -> list[float]:
    """The raw values that are black and white."""
    low, high = shown_range(as_tensor(examples.x[:RANGE_EXAMPLES]).numpy(), run.support)
    return [low, max(high, low + 1e-12)]
