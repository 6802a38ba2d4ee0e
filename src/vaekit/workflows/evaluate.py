"""Judge a run on rows that it was not trained on."""

import math
import os
from functools import partial
from numbers import Integral
from typing import Any

from torch import Tensor

from vaekit.core.vae import VAE
from vaekit.data import Dataset
from vaekit.data.splits import SplitName
from vaekit.errors import ConfigError
from vaekit.evaluation import (
    Estimate,
    ExampleTerms,
    ais_bound,
    classify_correctly,
    code_usage,
    elbo_per_example,
    exact_log_likelihood,
    generated_class_accuracy,
    importance_weighted_bound,
    is_enumerable,
    train_classifier,
)
from vaekit.evaluation.protocol import protocol
from vaekit.inputs import ModelInputs
from vaekit.inputs.tracked import TrackedInputs, track_steps
from vaekit.runs import Run, load_run, load_split
from vaekit.runs.run_data import as_inputs, evaluation_examples_and_dataset
from vaekit.workflows.bits_per_dimension import bits_per_dimension
from vaekit.workflows.latent_metrics import latent_space
from vaekit.workflows.sample_quality import (
    NOT_OWN,
    check_features,
    reconstruction_figures,
    sample_figures,
)
from vaekit.workflows.training_setup import load_data


def evaluate(
    run: Run | str | os.PathLike,
    *,
    split: SplitName | None = None,
    samples: int = 20,
    annealing: int = 0,
    chains: int = 16,
    generated: int = 10_000,
    features: str | None = None,
    agreement: int = 0,
    data: Any = None,
    limit: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Likelihood, latent space, reconstructions and samples, each figure with its standard error; nats are per row.

    split: which rows of the run's data, by default test.
    data: other rows in their place, all of them (where they have a test part, that for `test` and the rest for `train`); the
        run's own data, given again, are split as they were.
    samples: K of the importance-weighted bound log 1/K sum p(x, z) / q(z given x), a lower bound of log p(x) that rises with K.
    annealing: steps of annealed importance sampling, another bound, which is close where the posterior is not; 0: none.
        chains: of it per row.
    generated: samples of the prior, and of a mixture over codes, that are judged beside as many real rows, at most as many as
        there are; 0: none. features: what they are compared by, see `feature_network`.
    agreement: of a conditional run, so many samples of each class, of which the share is found that show their class, by a
        classifier trained on the run's training rows, its accuracy on the run's test rows beside it; 0: none.
    limit: the first so many rows only. seed: of the noise.

    Bits per dimension are there where the likelihood is normalised on these data, else the reason why not; which codes the
    rows use, where z is discrete.
    """
    _check_numbers(1, samples=samples, chains=chains)
    _check_numbers(0, annealing=annealing, generated=generated, agreement=agreement)
    _check_numbers(1, most=None, limit=1 if limit is None else limit)
    check_features(features)
    run = run if isinstance(run, Run) else load_run(run)
    if agreement and not run.model.classes:
        raise ConfigError(
            "agreement needs a conditional run, this one is not: leave it out, or train with --conditional"
        )
    rows, part, own = evaluation_examples_and_dataset(run, split, data)
    inputs = TrackedInputs(**vars(as_inputs(run, rows, limit)))
    terms = elbo_per_example(run.model, inputs, seed=seed)
    figures = term_figures(terms)
    if figures["divergence"]:
        bound = importance_weighted_bound(run.model, inputs, samples, seed=seed)
        figures["importance_weighted_bound"] = _figure(bound)
        figures |= bits_per_dimension(run, inputs, bound, samples, seed=seed)
    else:
        figures |= {
            "importance_weighted_bound": None,
            "bits_per_dimension": None,
            "why_no_bits_per_dimension": NO_BOUND,
        }
    if annealing:
        annealed = ais_bound(run.model, inputs, steps=annealing, chains=chains, seed=seed)
        how = {"steps": annealing, "chains": chains, "acceptance": annealed.acceptance}
        figures["ais_bound"] = _figure(annealed.bound) | how
    if is_enumerable(run.model):
        figures["exact_log_likelihood"] = _figure(exact_log_likelihood(run.model, inputs))
    figures["latent"] = latent_space(run, inputs, terms, own, seed=seed)
    figures["reconstructions"] = reconstruction_figures(run, inputs)
    if generated:
        how = {"count": generated, "features": features, "seed": seed}
        figures |= NOT_OWN if own is None else sample_figures(run, inputs, own, part, **how)
    if usage := code_usage(run.model, inputs):
        figures["codes"] = usage._asdict()
    if agreement:
        figures["generated_class_accuracy"] = _label_agreement(
            run, own or load_data(run.config), agreement, seed
        )
    return {
        "run": str(run.path),
        "data": run.config.data.source if data is None else _name(data),
        "split": part,
        "rows": len(inputs),
        "unit": "nats per row",
        "samples": samples,
        "seed": seed,
        "protocol": protocol(run),
        **figures,
    }


MAX_SAMPLES = 1_000_000
NO_DIVERGENCE = (
    "a deterministic posterior has no finite divergence, so the loss is the reconstruction alone"
)
NO_BOUND = "a deterministic posterior gives no bound of log p(x)"


def _check_numbers(least: int, most: int | None = MAX_SAMPLES, **numbers: Any) -> None:
    """ConfigError for a number that is not whole or not within its bounds, by name."""
    for name, number in numbers.items():
        if not isinstance(number, Integral) or number < least:
            raise ConfigError(f"{name} = {number!r}: at least {least}, a whole number")
        if most is not None and int(number) > most:
            raise ConfigError(f"{name} = {number}: at most {most:,}")


def bound_figures(model: VAE, inputs: ModelInputs, *, seed: int) -> dict[str, Any]:
    """The negative ELBO and its two terms, in nats per row; of a plain autoencoder the reconstruction alone."""
    return term_figures(elbo_per_example(model, inputs, seed=seed))


def term_figures(terms: ExampleTerms) -> dict[str, Any]:
    """The same of what is known row by row."""
    found = {"loss": _figure(terms.loss), "reconstruction": _figure(terms.reconstruction)}
    if not terms.divergence.shape[1]:
        return {**found, "divergence": None, "why_no_divergence": NO_DIVERGENCE}
    return {**found, "divergence": _figure(terms.divergence.sum(-1))}


def _label_agreement(run: Run, dataset: Dataset, samples: int, seed: int) -> dict[str, Any]:
    """The share of samples that a classifier finds the class of, over all and by class; that of the test rows beside it."""
    training, test = _labelled(run, dataset, "train"), _labelled(run, dataset, "test")
    watch = partial(track_steps, description="training a classifier")
    classifier = train_classifier(training, run.model.classes, seed=seed, watch=watch)
    found, y = classify_correctly(classifier, test)
    watch = partial(track_steps, description="classifying samples")
    agree = generated_class_accuracy(
        run.model, classifier, samples, seed=seed, watch=watch
    ).double()
    per_class = {
        name: {"share": agree[i].mean().item(), "classifier_accuracy": _process(found[y == i])}
        for i, name in enumerate(run.config.data.classes)
    }
    return {
        "share": agree.mean().item(),
        "standard_error": _error_of_strata(agree),
        "per_class": per_class,
        "samples_per_class": samples,
        "classifier_accuracy": _process(found),
        "classifier_rows": len(found),
    }


def _labelled(run: Run, dataset: Dataset, part: SplitName) -> ModelInputs:
    rows, indices = load_split(run.path).where(dataset, part)
    return ModelInputs(rows.x, run.transform, indices, rows.y)


def _process(found: Tensor) -> float | None:
    return found.double().mean().item() if len(found) else None


def _error_of_strata(values: Tensor) -> float | None:
    """The standard error of the mean of values [C, N], N drawn from each of C classes; none for N = 1."""
    return math.sqrt(values.var(1).mean().item() / values.numel()) if values.shape[1] > 1 else None


def _name(data: Any) -> str:
    return str(data) if isinstance(data, str | os.PathLike) else "rows given"


def _figure(values: Tensor) -> dict[str, float | None]:
    value, error = Estimate.of(values)
    return {"value": value, "standard_error": error}
