"""Quality of reconstructions and samples, with real data as a baseline."""

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from vaekit.arguments import as_path
from vaekit.errors import ConfigError, DataError
from vaekit.evaluation.classifier import train_classifier
from vaekit.evaluation.distances import frechet_distance, kernel_distance
from vaekit.evaluation.features import (
    COMPONENTS,
    NETWORKS,
    ClassifierFeatures,
    Components,
    embed,
    packaged_features,
)
from vaekit.evaluation.inception import Inception, load_inception
from vaekit.evaluation.metric import Metric, attempt
from vaekit.evaluation.precision_recall import (
    PrecisionRecall,
    nearest_distance,
    precision_recall,
)
from vaekit.evaluation.reconstruction import reconstruction_metrics
from vaekit.evaluation.results import SampleMetrics, SampleQuality
from vaekit.files.regular import is_regular
from vaekit.inference.encode_decode import (
    LatentSampler,
    iter_decode_means,
    iter_decode_samples,
    sample_prior,
)
from vaekit.inputs import ModelInputs, max_batch_examples, values_per_example
from vaekit.runs import Run
from vaekit.runs.run_data import RunData
from vaekit.runtime.seeding import seeded_noise
from vaekit.runtime.terminal_progress import track

WEIGHT_FILES = (".pth", ".pt", ".safetensors")
MIN_EXAMPLES = 20
"""Two for each block of the kernel distance."""
EXAMPLES_PER_FEATURE = 10
"""Fewer make the Fréchet distance mostly bias."""
FEW_EXAMPLES = 1_000
"""Fewer make every metric rough, and a fraction of 0 or 1 has no standard error."""
MAX_COMPONENT_EXAMPLES = 10_000
MAX_COMPONENT_VALUES = 2**26

Features = ClassifierFeatures | Components | Inception


def reconstruction_quality(run: Run, inputs: ModelInputs) -> dict[str, Metric]:
    """Fidelity of reconstructions by metric name: mse, psnr, ssim, as far as they apply."""
    span = None if run.transform.kind == "real" else 1.0
    metrics = reconstruction_metrics(run.model, inputs, span=span)._asdict()
    return {name: metric for name, metric in metrics.items() if metric is not None}


def check_features(name: str | None) -> None:
    """Refuse unknown features before anything is computed."""
    if name is None or name in ("components", "classifier"):
        return
    if as_path("features", name).suffix not in WEIGHT_FILES:
        raise ConfigError.for_value(
            "features", name, "components, classifier, or a file of Inception weights (.pth)"
        )
    if not is_regular(Path(name)):
        raise DataError(f"no such file: {name}.", parameter="features")


def sample_quality(
    inputs: ModelInputs, own: RunData, part: str, *, count: int, features: str | None, seed: int
) -> SampleQuality:
    """Compare samples of the prior, samples of a mixture and training examples with test examples.

    Args:
        inputs: The examples evaluated.
        own: The run with its own dataset, of which the examples are a part.
        part: That part.
        count: Size of each set, at most as many as there are.
        features: See `feature_network`.
        seed: Seed of the noise.

    Returns:
        The metrics of each set; training examples are the baseline, unless they were evaluated.
    """
    run = own.run
    count = min(count, len(inputs), own.training_count)
    if count < MIN_EXAMPLES:
        reason = f"distances of samples need {MIN_EXAMPLES} examples: got {count}"
        return SampleQuality(unavailable=reason)
    real = inputs.random(count, seed)
    network = feature_network(own, features, count, seed)
    network = network.to(next(run.model.parameters()).device)
    embed_batches = partial(_embed, run, network, count)
    target = embed_batches(_values(run, real), "test examples")
    training = embed_batches(_values(run, own.training_sample(count, seed)), "training examples")
    sets: dict[str, SampleMetrics] = {}
    for name, latents in _latent_samplers(own, seed).items():
        samples = embed_batches(_samples(run, latents, real, seed), "samples")
        sets[name] = _metrics(samples, target, nearest_distance(samples, training))
    if part != own.reference_split:
        distances = nearest_distance(target, training)
        sets["real_data_baseline"] = _metrics(training, target, distances)
    return SampleQuality(
        unavailable=None,
        examples=count,
        features=network.name,
        values=f"{'samples' if _samples_likelihood(run) else 'means'} of p(x|z)",
        baseline_of=f"{'training' if own.dataset.stream is None else 'validation'} examples",
        warnings=tuple(_warnings(count, network.width)),
        prior=sets.get("prior"),
        mixture=sets.get("mixture"),
        real_data_baseline=sets.get("real_data_baseline"),
    )


def feature_network(own: RunData, name: str | None, count: int, seed: int) -> Features:
    """The features by which sets of examples are compared.

    Args:
        own: The run with its own dataset.
        name: "components", "classifier" (trained now on labeled training examples), the path of
            a file of Inception v3 weights, or None: the network that the package has for the
            dataset if there are enough examples, else principal components.
        count: Size of the sets.
        seed: Seed of the training.
    """
    check_features(name)
    if name == "classifier":
        return _trained_features(own, seed)
    if name not in (None, "components"):
        return _inception(own.run, name)
    if name is None and (network := _packaged(own.run, count)):
        return network
    shape = own.run.model.data_shape
    max_examples = min(MAX_COMPONENT_EXAMPLES, MAX_COMPONENT_VALUES // math.prod(shape))
    sample = own.training_sample(max_examples, seed, skip=count)
    examples = torch.cat(list(_values(own.run, sample))).cpu()
    with seeded_noise(seed):
        return Components(examples, max(1, min(COMPONENTS, count // EXAMPLES_PER_FEATURE)))


def _trained_features(own: RunData, seed: int) -> ClassifierFeatures:
    if not own.dataset.labeled:
        raise ConfigError(
            "features of a classifier need labels, but the data have none. Choose components.",
            parameter="features",
        )
    examples = own.training_sample(len(own.dataset.train), seed)
    classes = len(own.run.config.data.classes)
    classifier = train_classifier(examples, classes, seed=seed)
    return ClassifierFeatures(classifier, "trained on the training examples")


def _inception(run: Run, name: str) -> Inception:
    shape = run.model.data_shape
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ConfigError.for_value(
            "features",
            shape,
            "images of 1 or 3 channels",
            problem="Inception v3 does not take these examples",
            fix="Choose components",
        )
    return load_inception(name)


def _packaged(run: Run, count: int) -> ClassifierFeatures | None:
    """The packaged network for the run's dataset, if it suits and there are enough examples."""
    source = run.config.data.source
    is_scaled = run.transform.kind != "real" or run.support.kind == "integers"
    if source not in NETWORKS or not is_scaled or run.model.data_shape != (1, 28, 28):
        return None
    network = packaged_features(source)
    return network if count >= EXAMPLES_PER_FEATURE * network.width else None


def _latent_samplers(own: RunData, seed: int) -> dict[str, LatentSampler]:
    samplers: dict[str, LatentSampler] = {"prior": partial(sample_prior, own.run.model)}
    if own.run.model.codebook is None:
        with suppress(DataError):  # codes without a density have no mixture
            samplers["mixture"] = own.fit_mixture(seed=seed).sample
    return samplers


def _embed(
    run: Run, network: nn.Module, count: int, batches: Iterable[Tensor], description: str
) -> Tensor:
    steps = -(-count // max_batch_examples(values_per_example(run.model)))
    return embed(network, track(batches, f"features of {description}", steps))


def _values(run: Run, inputs: ModelInputs) -> Iterator[Tensor]:
    return (x for x, _ in inputs.batches(run.model))


def _samples(run: Run, latents: LatentSampler, real: ModelInputs, seed: int) -> Iterator[Tensor]:
    """Samples of the classes that the real examples have, as images show them."""
    labels = real.labels()
    y = None if labels is None else torch.from_numpy(labels)
    with seeded_noise(seed):
        z = latents(len(real), y).reshape(len(real), *run.model.latent_shape)
    if _samples_likelihood(run):
        batches = iter_decode_samples(run.model, z, y, seed=seed)
    else:
        batches = iter_decode_means(run.model, z, y)
    if run.transform.kind == "real":
        return batches
    return (batch.clamp(0, 1) for batch in batches)


def _samples_likelihood(run: Run) -> bool:
    """Whether p(x|z) is sampled: for binary values, which a mean is not, and for tables, whose
    noise is part of the data. Of other images people look at means."""
    return run.transform.kind == "binary" or len(run.model.data_shape) != 3


def _metrics(x: Tensor, real: Tensor, training_distances: Tensor) -> SampleMetrics:
    fractions = attempt(
        partial(precision_recall, x, real), lambda failed: PrecisionRecall(*[failed] * 4)
    )
    return SampleMetrics(
        frechet=attempt(partial(frechet_distance, x, real), lambda failed: failed),
        kernel=attempt(partial(kernel_distance, x, real), lambda failed: failed),
        **fractions._asdict(),
        nearest_training_distance=Metric.mean_of(training_distances),
    )


def _warnings(count: int, width: int) -> Iterator[str]:
    if count < FEW_EXAMPLES:
        yield (
            f"metrics of samples are rough with few examples: got {count}, expected at least "
            f"{FEW_EXAMPLES:,}. Fractions near 0 or 1 are less certain than their standard errors."
        )
    if count < EXAMPLES_PER_FEATURE * width:
        yield (
            f"{count:,} examples are few for {width:,} features: Fréchet distances are then mostly "
            "bias, which their standard errors leave out."
        )
